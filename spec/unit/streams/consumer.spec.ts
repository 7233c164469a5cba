import { Redis } from 'rxjs-redis';
import { record } from '../../support/clients';
import { commandsOf, greet, lose, tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';
import { scriptedStage } from '../../support/scripted-stage';

const GROUP = '*1\r\n%2\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n';
const PENDING = '*1\r\n*4\r\n$3\r\n5-1\r\n$1\r\nc\r\n:1\r\n:1\r\n';
const ENTRY = '*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n';

/** A consumer that reads from a server which the spec plays, and takes over nothing that is idle. */
async function consuming() {
  const { clock, links, options } = scriptedStage();
  const redis = new Redis(Object.assign({ blockingGrace: 50, readTimeout: 60_000 }, options));
  const greeted = async (number: number) => {
    while (links.length <= number) await tick();
    return greet(links[number]!, `%2\r\n+proto\r\n:3\r\n+id\r\n:${number}\r\n+OK\r\n+OK\r\n`);
  };
  const handled: string[] = [];
  const consume$ = redis.consume('s', { group: 'g', consumer: 'c', block: 100, claimIdle: Infinity }, ({ id }) => {
    handled.push(id);
  });
  const progress = record(consume$);
  const main = await greeted(0);
  const server = { isPending: false };
  const answers: Record<string, () => string> = {
    XINFO: () => GROUP,
    XPENDING: () => (server.isPending ? PENDING : '*0\r\n'),
    XCLAIM: () => `*1\r\n${ENTRY}`,
    XACK: () => ((server.isPending = false), ':1\r\n'),
    CLIENT: () => ':1\r\n',
  };
  let answered = commandsOf(main).findIndex((command) => command.startsWith('X'));
  /** Answers what the connection of the commands was sent, until it is sent nothing more. */
  const answer = async () => {
    for (let sent = commandsOf(main); answered < sent.length; sent = commandsOf(main)) {
      main.receive(answers[sent[answered++]!.split(' ')[0]!]!());
      await tick();
    }
  };
  const pass = async (ms: number) => {
    clock.advance(ms);
    await tick();
    await answer();
  };
  const end = () => {
    progress.stop();
    void redis.destroy().then();
  };
  await answer();
  return { server, handled, greeted, pass, end };
}

const reads = (link: ScriptedSocket) => commandsOf(link).filter((command) => command.startsWith('XREADGROUP'));

describe('A consumer', () => {
  it('handles what comes late no second time, when it has found it pending and is done with it', async () => {
    const { server, handled, greeted, pass, end } = await consuming();
    const lease = await greeted(1);
    await tick();
    expect(reads(lease)).toHaveLength(1);
    // The server has delivered it; the reply is under way for longer than the command may take.
    server.isPending = true;
    for (let passed = 0; passed < 1_000 && handled.length === 0; passed += 10) await pass(10);
    expect(handled).toStrictEqual(['5-1']);
    while (server.isPending) await pass(10);
    lease.receive(`%1\r\n$1\r\ns\r\n*1\r\n${ENTRY}`);
    await tick();
    expect(handled).toStrictEqual(['5-1']);
    end();
  });

  it('handles what the server delivers to a connection that was lost, also where nothing idle is taken over', async () => {
    const { server, handled, greeted, pass, end } = await consuming();
    const first = await greeted(1);
    await tick();
    expect(reads(first)).toHaveLength(1);
    lose(first);
    await pass(20);
    const second = await greeted(2);
    await tick();
    // The read of the first was under way for that long: nothing was pending when it was looked.
    expect(reads(second)).toHaveLength(1);
    server.isPending = true;
    for (let passed = 0; passed < 10_000 && handled.length === 0; passed += 100) {
      const before = reads(second).length;
      await pass(100);
      if (reads(second).length === before) second.receive('_\r\n');
      await pass(0);
    }
    expect(handled).toStrictEqual(['5-1']);
    end();
  });
});

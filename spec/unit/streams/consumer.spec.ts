import { Redis } from 'rxjs-redis';
import { record } from '../../support/clients';
import { commandsOf, greet, tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';
import { scriptedStage } from '../../support/scripted-stage';

const GROUP = '*1\r\n%2\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n';
const PENDING = '*1\r\n*4\r\n$3\r\n5-1\r\n$1\r\nc\r\n:1\r\n:1\r\n';
const ENTRY = '*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n';

describe('A consumer', () => {
  it('handles what comes late no second time, when it has found it pending and is done with it', async () => {
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
    let isPending = false;
    const answers: Record<string, () => string> = {
      XINFO: () => GROUP,
      XPENDING: () => (isPending ? PENDING : '*0\r\n'),
      XCLAIM: () => `*1\r\n${ENTRY}`,
      XACK: () => ((isPending = false), ':1\r\n'),
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
    await answer();
    const lease = await greeted(1);
    await tick();
    const reads = (link: ScriptedSocket) => commandsOf(link).filter((command) => command.startsWith('XREADGROUP'));
    expect(reads(lease)).toHaveLength(1);
    // The server has delivered it; the reply is under way for longer than the command may take.
    isPending = true;
    for (let passed = 0; passed < 1_000 && handled.length === 0; passed += 10) {
      clock.advance(10);
      await tick();
      await answer();
    }
    expect(handled).toStrictEqual(['5-1']);
    while (isPending) {
      clock.advance(10);
      await tick();
      await answer();
    }
    lease.receive(`%1\r\n$1\r\ns\r\n*1\r\n${ENTRY}`);
    await tick();
    expect(handled).toStrictEqual(['5-1']);
    progress.stop();
    void redis.destroy().then();
  });
});

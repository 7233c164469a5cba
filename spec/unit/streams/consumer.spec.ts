import { Redis, type ConsumeOptions, type ConsumedEntry } from 'rxjs-redis';
import { record } from '../../support/clients';
import { commandsOf, greet, lose, tick } from '../../support/scripted-link';
import { scriptedStage } from '../../support/scripted-stage';

const GROUP = '*1\r\n%2\r\n$4\r\nname\r\n$1\r\ng\r\n$17\r\nlast-delivered-id\r\n$3\r\n0-0\r\n';
const PENDING = '*1\r\n*4\r\n$3\r\n5-1\r\n$1\r\nc\r\n:1\r\n:1\r\n';
const ENTRY = '*2\r\n$3\r\n5-1\r\n*2\r\n$1\r\nn\r\n$1\r\n1\r\n';

/** What the server has for the commands of a consumer, by their first words. */
type Answers = Readonly<Record<string, () => string>>;

/** A consumer that waits at a scripted server, and what the server does. */
async function waitingConsumer(
  options: Partial<ConsumeOptions>,
  answers: Answers,
  handler: (entry: ConsumedEntry) => void,
) {
  const { clock, links, options: staged } = scriptedStage();
  const redis = new Redis(Object.assign({ blockingGrace: 50, readTimeout: 60_000 }, staged));
  const greeted = async (number: number) => {
    while (links.length <= number) await tick();
    return greet(links[number]!, `%2\r\n+proto\r\n:3\r\n+id\r\n:${number}\r\n+OK\r\n+OK\r\n`);
  };
  const progress = record(redis.consume('s', { group: 'g', block: 100, claimIdle: Infinity, ...options }, handler));
  const main = await greeted(0);
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
  expect(commandsOf(lease).filter((command) => command.startsWith('XREADGROUP'))).toHaveLength(1);
  return { redis, clock, main, lease, answer, progress };
}

describe('A consumer', () => {
  it('handles what comes late no second time, when it has found it pending and is done with it', async () => {
    const handled: string[] = [];
    let isPending = false;
    const answers: Answers = {
      XINFO: () => GROUP,
      XPENDING: () => (isPending ? PENDING : '*0\r\n'),
      XCLAIM: () => `*1\r\n${ENTRY}`,
      XACK: () => ((isPending = false), ':1\r\n'),
      CLIENT: () => ':1\r\n',
    };
    const { redis, clock, lease, answer, progress } = await waitingConsumer({ consumer: 'c' }, answers, ({ id }) => {
      handled.push(id);
    });
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

  it.each([
    ['gives up its made up name', 'once what it sent cannot be delivered to any more', 100],
    [
      'keeps its made up name',
      'while the server may still deliver to a connection that was lost, for that would go with it',
      99,
    ],
  ])('%s %s', async (what, _, passed) => {
    const answers: Answers = { XINFO: () => GROUP, XPENDING: () => '*0\r\n', XGROUP: () => ':0\r\n' };
    const { redis, clock, main, lease, answer, progress } = await waitingConsumer({}, answers, () => undefined);
    lose(lease);
    await tick();
    clock.advance(passed);
    progress.stop();
    await tick();
    await answer();
    const isGivenUp = commandsOf(main).some((command) => command.startsWith('XGROUP DELCONSUMER'));
    expect(isGivenUp).toBe(what.startsWith('gives up'));
    void redis.destroy().then();
  });
});

import { get } from '../../../src/commands/generated/builders';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import type { Clock } from '../../../src/connection/clock';
import { systemClock } from '../../../src/connection/clock';
import { ReadingTurn } from '../../../src/connection/reading-turn';
import { record } from '../../support/clients';
import { scriptedConnection, tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';
import { until } from '../../support/until';

const COUNT = 1_000_000;
const cleanUp: (() => void)[] = [];
afterEach(() => cleanUp.splice(0).forEach((end) => end()));

/** A link that counts what is written in each turn of the event loop, and answers what it has once in each. */
async function setUp() {
  const { connection, greeted } = scriptedConnection();
  cleanUp.push(() => connection.destroy());
  connection.open();
  const link = await greeted();
  const from = { ...plainContext, executor: connection };
  const seen = { turns: 0, busiest: 0, written: 0 };
  let inTurn = 0;
  let answered = 0;
  let answering = true;
  const countWrites = (chunks: readonly Uint8Array[]) => {
    let count = 0;
    for (const chunk of chunks) for (let at = chunk.indexOf(42); at >= 0; at = chunk.indexOf(42, at + 1)) count++;
    inTurn += count;
    seen.written += count;
    seen.busiest = Math.max(seen.busiest, inTurn);
    return count;
  };
  const turn = () => {
    if (inTurn > 0) seen.turns++;
    inTurn = 0;
    if (seen.written > answered) {
      const replies = seen.written - answered;
      answered = seen.written;
      link.receive('+v\r\n'.repeat(replies));
    }
    if (answering) setImmediate(turn);
  };
  setImmediate(turn);
  cleanUp.push(() => (answering = false));
  return { connection, link, from, seen, countWrites };
}

/** The send buffer is full behind every write, and says in the same turn of the event loop that it has emptied. */
function fullAtEveryWrite(link: ScriptedSocket, onWrite: (chunks: readonly Uint8Array[]) => void): void {
  link.write = (chunks) => {
    onWrite(chunks);
    process.nextTick(() => link.drain$.next());
    return false;
  };
}

describe('A turn of the event loop', () => {
  it.each([
    ['takes everything', false],
    ['is full behind every write, and empties at once', true],
  ])(
    'writes a bounded part of a million commands, where the socket %s, and replies are read in between',
    async (_title, isFull) => {
      const { connection, link, from, seen, countWrites } = await setUp();
      if (isFull) fullAtEveryWrite(link, countWrites);
      else link.write = (chunks) => (countWrites(chunks), true);
      let replies = 0;
      let midway = 0;
      const command = get('k');
      for (let n = 0; n < COUNT; n++) {
        Reply.from(from, command).subscribe(() => {
          if (++replies === 1) midway = seen.written;
        });
      }
      await until(() => replies === COUNT);
      expect(seen.busiest).toBeLessThanOrEqual(10_000);
      expect(seen.turns).toBeGreaterThanOrEqual(COUNT / 10_000);
      expect(midway).toBeLessThanOrEqual(20_000); // the first was answered before a fiftieth of them was written
      expect(connection.line.pending).toBe(0);
    },
  );

  it('leaves one write alone that holds all that a tick brought', async () => {
    const { link, from, seen, countWrites } = await setUp();
    link.write = (chunks) => (countWrites(chunks), true);
    const replies = Array.from({ length: 1_000 }, () => record(Reply.from(from, get('k'))));
    await tick();
    expect([seen.written, seen.busiest]).toStrictEqual([1_000, 1_000]);
    await until(() => replies.every(({ ended }) => ended === 'complete'));
  });
});

describe('A turn that reads', () => {
  it('stops once it has read for some time, and reads on in the next', () => {
    let now = 0;
    const later: (() => void)[] = [];
    const clock: Clock = { ...systemClock, now: () => now, afterInput: (work) => void later.push(work) };
    const turn = new ReadingTurn(clock);
    const resumed: number[] = [];
    const read = () => turn.hasTimeLeft(() => resumed.push(now));
    const next = () => later.splice(0).forEach((work) => work());
    expect([read(), ((now = 3), read()), ((now = 5), read())]).toStrictEqual([true, true, false]);
    expect(resumed).toStrictEqual([]);
    next();
    expect(resumed).toStrictEqual([5]);
    expect([((now = 100), read()), ((now = 103), read())]).toStrictEqual([true, true]);
    next();
    expect([((now = 200), read())]).toStrictEqual([true]); // what was read in other turns does not count
    expect(resumed).toStrictEqual([5]);
  });
});

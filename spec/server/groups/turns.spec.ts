import { lastValueFrom } from 'rxjs';
import { get, set } from 'rxjs-redis/commands';
import { Command } from '../../../src/commands/command';
import { useClients } from '../../support/clients';
import { useServer } from '../../support/server';

/** A chunk of the socket holds eight such values. */
const VALUE = 'x'.repeat(8 * 1_024);
const COUNT = 300;
/** What the reader of one value takes, ms of the clock: slower machines only show more of what these specs look for. */
const READING = 1.5;

/** Counts what happens in each turn of the event loop. */
class Turns {
  /** how many turns there were in which something happened */
  count = 0;
  /** how much happened in the busiest */
  busiest = 0;
  private inTurn = 0;
  private isOver = false;

  constructor() {
    setImmediate(this.end);
  }

  private readonly end = (): void => {
    if (this.inTurn > 0) this.count++;
    this.inTurn = 0;
    if (!this.isOver) setImmediate(this.end);
  };

  note(): void {
    this.busiest = Math.max(this.busiest, ++this.inTurn);
  }

  stop(): void {
    this.isOver = true;
  }
}

describe.each([2, 3] as const)('The event loop, in RESP%i,', (protocol) => {
  const server = useServer();
  const make = useClients();

  /** Commands whose replies take long to read, and the turns in which they are read. */
  function slowlyRead(turns: Turns): Command<string>[] {
    const { spec, args } = get('k');
    const slow = new Command(spec, args, (frame) => {
      turns.note();
      const end = performance.now() + READING;
      while (performance.now() < end);
      return String((frame as string).length);
    });
    return Array.from({ length: COUNT }, () => slow);
  }

  it.each(['pipeline', 'multi'] as const)(
    'has its turns between the replies to one group, however long they take to read: %s',
    async (method) => {
      const redis = make({ url: server().url, protocol });
      await redis.set('k', VALUE);
      const turns = new Turns();
      const values = await (method === 'pipeline' ? redis.pipeline(slowlyRead(turns)) : redis.multi(slowlyRead(turns)));
      turns.stop();
      expect(values).toStrictEqual(new Array(COUNT).fill(String(VALUE.length)));
      // A full chunk, and the one in which the time was up: each has eight values, and the ends of others.
      expect(turns.busiest).toBeLessThanOrEqual(18);
      expect(turns.count).toBeGreaterThanOrEqual(COUNT / 20);
    },
  );

  it('has its turns between the rows of a bulk write', async () => {
    const redis = make({ url: server().url, protocol });
    const turns = new Turns();
    const rows = 20_000;
    const loaded$ = redis.load(
      Array.from({ length: rows }, (_, n) => n),
      (n) => (turns.note(), set(`row:${n % 100}`, n)),
      { batch: 500, concurrency: 4 },
    );
    expect(await lastValueFrom(loaded$)).toMatchObject({ done: rows, failed: 0 });
    turns.stop();
    expect(turns.busiest).toBeLessThanOrEqual(2 * 500 * 4);
    expect(turns.count).toBeGreaterThanOrEqual(rows / (2 * 500 * 4));
  });
});

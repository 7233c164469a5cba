import { resync, type Message, type Notice, type Snapshot } from 'rxjs-redis';
import { NEVER, Subject, of, throwError, type Observable } from 'rxjs';
import { record } from '../../support/clients';
import { tick } from '../../support/scripted-link';

type Item = Message | Notice;
const SUBSCRIBED: Item = { type: 'subscribed', channel: 'a' };
const message = (data: string): Item => ({ type: 'message', channel: 'a', data });
const gap = { type: 'gap', channel: 'a' } as unknown as Item;
const short = (items: readonly (Message | Snapshot<string> | { type: 'dropped'; count: number })[]) =>
  items.map((item) => ('data' in item ? item.data : 'value' in item ? `=${item.value}` : `-${item.count}`));

describe('resync', () => {
  const setUp = (options: Parameters<typeof resync>[1] = {}) => {
    const source = new Subject<Item>();
    const reads: Subject<string>[] = [];
    const snapshot = (): Observable<string> => {
      const read = new Subject<string>();
      reads.push(read);
      return read;
    };
    const recorded = record(source.pipe(resync<string, 'drop-oldest' | 'error'>(snapshot, options as never)));
    const send = async (...items: Item[]) => {
      for (const item of items) source.next(item);
      await tick();
    };
    const answer = (at: number, value: string) => {
      reads[at]!.next(value);
      reads[at]!.complete();
    };
    return { source, reads, recorded, send, answer };
  };

  it('reads once the subscription stands, and gives what came meanwhile behind the snapshot', async () => {
    const { reads, recorded, send, answer, source } = setUp();
    await tick();
    expect(reads).toHaveLength(0);
    await send(SUBSCRIBED, message('1'));
    await send(message('2'));
    expect([reads.length, recorded.values]).toStrictEqual([1, []]);
    answer(0, 'all');
    await send(message('3'));
    expect(short(recorded.values)).toStrictEqual(['=all', '1', '2', '3']);
    source.complete();
    expect(recorded.ended).toBe('complete');
  });

  it('does so again after every gap, without what waited before it', async () => {
    const { reads, recorded, send, answer } = setUp();
    await send(SUBSCRIBED);
    answer(0, 'one');
    await send(message('1'), gap, SUBSCRIBED, message('2'));
    await send(gap, SUBSCRIBED, message('3'));
    expect([reads.length, reads[1]!.observed]).toStrictEqual([3, false]);
    answer(2, 'two');
    await send(message('4'));
    expect(short(recorded.values)).toStrictEqual(['=one', '1', '=two', '3', '4']);
  });

  it('reads once for names that are confirmed together', async () => {
    const { reads, send } = setUp();
    await send(SUBSCRIBED, { type: 'subscribed', channel: 'b' });
    expect(reads).toHaveLength(1);
  });

  it('gives the rest before it completes, where the source ends first', async () => {
    const { recorded, send, answer, source } = setUp();
    await send(SUBSCRIBED, message('1'));
    source.complete();
    expect(recorded.ended).toBeUndefined();
    answer(0, 'all');
    expect([short(recorded.values), recorded.ended]).toStrictEqual([['=all', '1'], 'complete']);
  });

  it('bounds what waits: an error, or messages are dropped and told', async () => {
    const failing = setUp({ buffer: 2 });
    await failing.send(SUBSCRIBED, message('1'), message('2'), message('3'));
    expect(failing.recorded.ended).toMatchObject({ code: 'OVERFLOW' });
    expect([failing.source.observed, failing.reads.some(({ observed }) => observed)]).toStrictEqual([false, false]);
    const dropping = setUp({ buffer: 2, overflow: 'drop-oldest' });
    await dropping.send(SUBSCRIBED, message('1'), message('2'), message('3'));
    dropping.answer(0, 'all');
    expect(short(dropping.recorded.values)).toStrictEqual(['=all', '-1', '2', '3']);
  });

  describe('of a stream that it is given', () => {
    const inLoop = (options: Parameters<typeof resync>[1] = {}) => {
      const source = new Subject<Item>();
      const values = ['one', 'two'];
      const copy = resync<string, 'drop-oldest' | 'error'>(() => of(values.shift()!), options as never);
      const iterator = copy(source)[Symbol.asyncIterator]();
      const next = async () => short([(await iterator.next()).value!])[0];
      const send = async (...items: Item[]) => {
        for (const item of items) source.next(item);
        await tick();
      };
      return { source, iterator, next, send };
    };

    it('is a loop at its own pace, whose messages wait', async () => {
      const { source, iterator, next, send } = inLoop();
      const first = next();
      await send(SUBSCRIBED, message('1'));
      await send(message('2'), gap, SUBSCRIBED);
      await send(message('3'));
      expect([await first, await next(), await next(), await next(), await next()]).toStrictEqual([
        '=one',
        '1',
        '2',
        '=two',
        '3',
      ]);
      source.complete();
      expect(await iterator.next()).toStrictEqual({ done: true, value: undefined });
    });

    it('leaves its source with the loop', async () => {
      const { source, iterator, next, send } = inLoop();
      const first = next();
      expect(source.observed).toBe(true);
      await send(SUBSCRIBED);
      expect(await first).toBe('=one');
      await iterator.return?.();
      expect(source.observed).toBe(false);
    });

    it('bounds what waits for a loop, and drops no snapshot', async () => {
      const dropping = inLoop({ buffer: 2, overflow: 'drop-oldest' });
      const first = dropping.next();
      await dropping.send(SUBSCRIBED);
      await dropping.send(message('1'), message('2'), gap, SUBSCRIBED);
      await dropping.send(message('3'), message('4'), message('5'));
      const { next } = dropping;
      expect([await first, await next(), await next(), await next(), await next(), await next()]).toStrictEqual([
        '=one',
        '-2',
        '=two',
        '-1',
        '4',
        '5',
      ]);
      const failing = inLoop({ buffer: 2 });
      const begun = failing.next();
      await failing.send(SUBSCRIBED);
      await failing.send(message('1'), message('2'), message('3'));
      expect([await begun, await failing.next(), await failing.next()]).toStrictEqual(['=one', '1', '2']);
      await expect(failing.next()).rejects.toMatchObject({ code: 'OVERFLOW' });
      expect(failing.source.observed).toBe(false);
    });
  });

  it('fails with what the snapshot fails with, and leaves the source', async () => {
    for (const snapshot of [
      () => throwError(() => new Error('unreadable')),
      () => {
        throw new Error('unreadable');
      },
    ]) {
      const source = new Subject<Item>();
      const recorded = record(source.pipe(resync(snapshot)));
      source.next(SUBSCRIBED);
      await tick();
      expect(recorded.ended).toMatchObject({ message: 'unreadable' });
      expect(source.observed).toBe(false);
    }
  });

  it.each<[string, unknown, string]>([
    ['text, and takes no letter for the snapshot', 'text', 'a string'],
    ['number', 5, 'a number'],
  ])('errors where the function gives a %s', async (_what, given, kind) => {
    const source = new Subject<Item>();
    const recorded = record(source.pipe(resync(() => given as never)));
    source.next(SUBSCRIBED);
    await tick();
    const message = `resync: the function gave ${kind}, and an Observable or a Promise was expected`;
    expect(recorded.values).toStrictEqual([]);
    expect(recorded.ended).toMatchObject({ name: 'TypeError', message });
  });

  it('refuses a stream without gaps, and wrong arguments', () => {
    const recorded = record(of(message('1')).pipe(resync(() => NEVER)));
    expect(recorded.ended).toMatchObject({ name: 'TypeError', message: expect.stringContaining('gaps: true') });
    expect(() => resync(1 as never)).toThrow(TypeError);
    expect(() => resync(() => NEVER, { buffer: 0 })).toThrow("The option 'buffer'");
    expect(() => resync(() => NEVER, { overflow: 'drop' as never })).toThrow("The option 'overflow'");
  });
});

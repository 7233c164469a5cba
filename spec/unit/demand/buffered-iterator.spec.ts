import { NEVER, Observable, Subject, of, throwError } from 'rxjs';
import { OverflowError } from 'rxjs-redis';
import { BufferedIterator } from '../../../src/demand/buffered-iterator';
import { waitingOrRefused } from '../../../src/demand/waiting';
import { MessageStream } from '../../../src/pubsub/message-stream';

const streamOf = <T>(source: Observable<T>, buffer = 10) => new MessageStream<T>(source, { buffer, overflow: 'error' });

/** Everything that a loop is given, and how it ended. */
async function loopOver<T>(source: AsyncIterable<T>): Promise<{ values: T[]; error?: unknown }> {
  const values: T[] = [];
  try {
    for await (const value of source) values.push(value);
    return { values };
  } catch (error) {
    return { values, error };
  }
}

describe('A loop over messages', () => {
  it('gets each value in order, also those that came while it was busy, and ends with the source', async () => {
    const source = new Subject<number>();
    const iterator = streamOf(source)[Symbol.asyncIterator]();
    const first = iterator.next();
    for (const n of [1, 2, 3]) source.next(n);
    source.complete();
    expect(await first).toStrictEqual({ done: false, value: 1 });
    expect(await loopOver(iterator)).toStrictEqual({ values: [2, 3] });
    expect(await iterator.next()).toStrictEqual({ done: true, value: undefined });
  });

  it('subscribes when the first value is asked for, once per loop', async () => {
    let subscriptions = 0;
    const source = streamOf(
      new Observable<number>((subscriber) => {
        subscriptions++;
        subscriber.next(1);
        subscriber.complete();
      }),
    );
    const iterator = source[Symbol.asyncIterator]();
    expect(subscriptions).toBe(0);
    expect(await loopOver(iterator)).toStrictEqual({ values: [1] });
    expect(await loopOver(source)).toStrictEqual({ values: [1] });
    expect(subscriptions).toBe(2);
  });

  it('throws the error of the source behind the values before it, once', async () => {
    const error = new Error('lost');
    const source = new Subject<number>();
    const iterator = streamOf(source)[Symbol.asyncIterator]();
    const asked = [iterator.next(), iterator.next(), iterator.next()];
    source.next(1);
    source.error(error);
    expect(await Promise.allSettled(asked)).toStrictEqual([
      { status: 'fulfilled', value: { done: false, value: 1 } },
      { status: 'rejected', reason: error },
      { status: 'fulfilled', value: { done: true, value: undefined } },
    ]);
    expect(await loopOver(streamOf(throwError(() => error)))).toStrictEqual({ values: [], error });
    expect(await loopOver(streamOf(throwError(() => undefined)))).toStrictEqual({ values: [], error: undefined });
  });

  it.each([1, 3])('throws an OverflowError behind %d values that waited, and has left by then', async (buffer) => {
    const source = new Subject<number>();
    const iterator = streamOf(source, buffer)[Symbol.asyncIterator]();
    const first = iterator.next();
    for (let n = 0; n <= buffer; n++) source.next(n);
    expect(source.observed).toBe(true);
    source.next(buffer + 1);
    expect(source.observed).toBe(false);
    await first;
    const { values, error } = await loopOver(iterator);
    expect(values).toStrictEqual(Array.from({ length: buffer }, (_, n) => n + 1));
    expect(error).toBeInstanceOf(OverflowError);
    expect(error).toMatchObject({
      code: 'OVERFLOW',
      message: expect.stringMatching(/^A message is lost, for .* waiting already/),
    });
  });

  it('that is left unsubscribes, and those who still ask are told of the end', async () => {
    const source = new Subject<number>();
    const stream = streamOf(source);
    setImmediate(() => source.next(1));
    for await (const value of stream) if (value === 1) break;
    expect(source.observed).toBe(false);
    const iterator = new BufferedIterator(source, waitingOrRefused(10));
    const asked = [iterator.next(), iterator.next()];
    expect(await iterator.return()).toStrictEqual({ done: true, value: undefined });
    expect(await Promise.all(asked)).toStrictEqual(Array(2).fill({ done: true, value: undefined }));
    expect(source.observed).toBe(false);
  });

  it('that is left before it has begun never subscribes', async () => {
    const source = new Subject<number>();
    const iterator = new BufferedIterator(source, waitingOrRefused(10));
    await iterator.return();
    expect(await iterator.next()).toStrictEqual({ done: true, value: undefined });
    expect(source.observed).toBe(false);
  });

  it('that is thrown into unsubscribes and rejects', async () => {
    const source = new Subject<number>();
    const iterator = new BufferedIterator(source, waitingOrRefused(10));
    const asked = iterator.next();
    await expect(iterator.throw(new Error('mine'))).rejects.toThrow('mine');
    expect(await asked).toStrictEqual({ done: true, value: undefined });
    expect(source.observed).toBe(false);
  });

  it('keeps what Observers and operators are given as it was', () => {
    const seen: unknown[] = [];
    streamOf(of(1, 2)).subscribe((value) => seen.push(value));
    const piped = streamOf(NEVER).pipe();
    expect(seen).toStrictEqual([1, 2]);
    expect(piped).toBeInstanceOf(Observable);
  });
});

import { OverflowError } from 'rxjs-redis';
import { Subject, firstValueFrom, of, range, throwError, toArray } from 'rxjs';
import { MessageStream, type StreamOptions } from '../../../src/pubsub/message-stream';
import { record } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { tick } from '../../support/scripted-link';

const GAP = { type: 'gap', channel: 'a' };
const dropped = (count: number) => ({ type: 'dropped', count });

describe('Work on messages', () => {
  const streamOf = <T>(
    source: Subject<T> | ReturnType<typeof range>,
    project: (message: never) => unknown,
    others: Partial<StreamOptions> & { concurrency?: number } = {},
  ) => {
    const work = { method: 'subscribe', project: project as never, concurrency: others.concurrency ?? 1 };
    return new MessageStream<unknown>(source, { buffer: 10, overflow: 'error', ...others, work });
  };

  it('is done on one at a time, in order, unless told otherwise', () => {
    const begun: number[] = [];
    const jobs = [new Subject<string>(), new Subject<string>(), new Subject<string>()];
    const project = (n: number) => {
      begun.push(n);
      return jobs[n]!;
    };
    const { values } = record(streamOf(range(0, 3), project));
    expect(begun).toStrictEqual([0]);
    jobs[0]!.next('a');
    jobs[0]!.complete();
    expect([begun, values]).toStrictEqual([[0, 1], ['a']]);
  });

  it('is done on as many at once as `concurrency` says', () => {
    const jobs = [new Subject<string>(), new Subject<string>(), new Subject<string>()];
    const recorded = record(streamOf(range(0, 3), (n: number) => jobs[n]!, { concurrency: 2 }));
    expect(jobs.map(({ observed }) => observed)).toStrictEqual([true, true, false]);
    jobs[1]!.complete();
    expect(jobs.map(({ observed }) => observed)).toStrictEqual([true, false, true]);
    for (const job of jobs) job.complete();
    expect(recorded.ended).toBe('complete');
  });

  it('ends behind what waits, with complete or the error of the source', async () => {
    const source = new Subject<number>();
    const job = new Subject<string>();
    const recorded = record(streamOf(source, (n) => (n === 1 ? job : of(`done ${String(n)}`))));
    source.next(1);
    source.next(2);
    source.error(new Error('lost'));
    expect(recorded.ended).toBeUndefined();
    job.complete();
    expect(recorded).toMatchObject({ values: ['done 2'], ended: { message: 'lost' } });
    expect(await firstValueFrom(streamOf(range(0, 5), (n) => [n]).pipe(toArray()))).toStrictEqual([0, 1, 2, 3, 4]);
  });

  it('fails with what the work throws or errors with, and leaves the source', () => {
    for (const project of [
      () => {
        throw new Error('thrown');
      },
      () => throwError(() => new Error('thrown')),
    ]) {
      const source = new Subject<number>();
      const recorded = record(streamOf(source, project));
      source.next(1);
      expect(recorded.ended).toMatchObject({ message: 'thrown' });
      expect(source.observed).toBe(false);
    }
  });

  it('that is too slow works on what waits, then fails, and has left the source by then', () => {
    const source = new Subject<number>();
    const job = new Subject<never>();
    const done: number[] = [];
    const recorded = record(
      streamOf(
        source,
        (n: number) => {
          done.push(n);
          return n === 0 ? job : of(n);
        },
        { buffer: 2 },
      ),
    );
    for (let n = 0; n < 5; n++) source.next(n);
    expect(source.observed).toBe(false);
    expect(recorded.ended).toBeUndefined();
    job.complete();
    expect(done).toStrictEqual([0, 1, 2]);
    expect(recorded.ended).toBeInstanceOf(OverflowError);
  });

  it('gives notices, and what was dropped, as values in their turn', () => {
    const source = new Subject<unknown>();
    const job = new Subject<never>();
    const { values } = record(streamOf(source, (n) => (n === 1 ? job : of(n)), { buffer: 1, overflow: 'drop-oldest' }));
    for (const item of [{ type: 'subscribed', channel: 'a' }, 1, 2, GAP, 3]) source.next(item);
    job.complete();
    expect(values).toStrictEqual([{ type: 'subscribed', channel: 'a' }, dropped(1), GAP, 3]);
  });

  it('is begun for a loop only while fewer results wait than are worked on at once', async () => {
    const begun: number[] = [];
    const project = (n: number) => {
      begun.push(n);
      return of(n);
    };
    const seen: unknown[] = [];
    for await (const result of streamOf(range(0, 10), project, { concurrency: 2 })) {
      seen.push(result);
      await tick();
      expect(begun.length).toBeLessThanOrEqual(seen.length + 2);
    }
    expect(seen).toStrictEqual(Array.from({ length: 10 }, (_, n) => n));
  });

  it('grows no stack where it ends at once', () => {
    const count = 100_000;
    const source = range(0, count);
    const gate = new Subject<never>();
    let sum = 0;
    const stream = streamOf(source, (n: number) => (n === 0 ? gate : of(n)), { buffer: count });
    stream.subscribe((n) => (sum += n as number));
    gate.complete();
    expect(sum).toBe((count * (count - 1)) / 2);
  });
});

describe('A signal', () => {
  it('ends a stream with its reason, also one that was aborted before', async () => {
    const reason = new Error('enough');
    const source = new Subject<number>();
    const controller = new AbortController();
    const stream = new MessageStream<number>(source, { buffer: 10, overflow: 'error', signal: controller.signal });
    const recorded = record(stream);
    const iterator = stream[Symbol.asyncIterator]();
    const first = iterator.next();
    for (const n of [1, 2, 3]) source.next(n);
    controller.abort(reason);
    expect(source.observed).toBe(false);
    expect(recorded).toMatchObject({ values: [1, 2, 3], ended: reason });
    // What waits comes first, as from Node's `on(emitter, name, { signal })`.
    expect(
      [await first, await iterator.next(), await iterator.next()].map(({ value }) => value as unknown),
    ).toStrictEqual([1, 2, 3]);
    expect(await failure(iterator.next())).toBe(reason);
    expect(await iterator.next()).toMatchObject({ done: true });
    expect(record(stream).ended).toBe(reason);
  });

  it('stops the work on messages', () => {
    const source = new Subject<number>();
    const job = new Subject<never>();
    const controller = new AbortController();
    const options = {
      buffer: 10,
      overflow: 'error',
      signal: controller.signal,
      work: { method: 'subscribe', project: () => job, concurrency: 1 },
    } as const;
    const recorded = record(new MessageStream(source, options));
    source.next(1);
    source.next(2);
    expect(job.observed).toBe(true);
    controller.abort();
    expect([source.observed, job.observed]).toStrictEqual([false, false]);
    expect(recorded.ended).toMatchObject({ name: 'AbortError' });
  });

  it('is left alone when the stream ends before it', () => {
    const listeners = new Set<unknown>();
    const spied = {
      aborted: false,
      addEventListener: (_: string, listener: () => void) => listeners.add(listener),
      removeEventListener: (_: string, listener: () => void) => listeners.delete(listener),
    } as unknown as AbortSignal;
    const stream = new MessageStream(new Subject(), { buffer: 1, overflow: 'error', signal: spied });
    const subscription = stream.subscribe();
    expect(listeners.size).toBe(1);
    subscription.unsubscribe();
    expect(listeners.size).toBe(0);
  });
});

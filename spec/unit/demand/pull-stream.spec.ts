import { AsyncLocalStorage } from 'node:async_hooks';
import { getEventListeners } from 'node:events';
import { EMPTY, NEVER, Observable, Subject, concat, defer, of, take, throwError, type ObservableInput } from 'rxjs';
import { DisconnectedError } from 'rxjs-redis';
import { Ending } from '../../../src/demand/ending';
import { PullStream } from '../../../src/demand/pull-stream';
import type { ValueSource } from '../../../src/demand/pulling';
import { record } from '../../support/clients';
import { until } from '../../support/until';

/** A source whose values come when the spec says so. */
class Scripted implements ValueSource<number> {
  asked = 0;
  /** how many questions were left without an answer */
  left = 0;
  isDone = false;
  private readonly answers: Subject<number>[] = [];

  constructor(private readonly length = Infinity) {}

  next(): Observable<number> {
    const answer = new Subject<number>();
    this.answers.push(answer);
    this.asked++;
    return new Observable<number>((subscriber) => {
      subscriber.add(answer.subscribe(subscriber));
      return () => (this.left += answer.observed || answer.isStopped ? 0 : 1);
    });
  }

  /** Answers the last question. */
  give(value: number): void {
    this.isDone = value >= this.length;
    const answer = this.answers.at(-1)!;
    answer.next(value);
    answer.complete();
  }

  giveNothing(): void {
    this.answers.at(-1)!.complete();
  }

  fail(error: Error): void {
    this.answers.at(-1)!.error(error);
  }
}

interface Given<R> {
  project?: (value: number, index: number) => ObservableInput<R>;
  concurrency?: number;
  signal?: AbortSignal;
  ending?: Ending;
}

function streamOf<R = number>(open: () => ValueSource<number>, given: Given<R> = {}): PullStream<number | R> {
  const { project, concurrency = 1, signal, ending = new Ending() } = given;
  const work = project && { method: 'spec', project, concurrency };
  return PullStream.of<number, R>({ open, work, signal, ending });
}

/** Counts to a number, each value there as soon as it is asked for. */
function counting(to: number): ValueSource<number> {
  let n = 0;
  return {
    get isDone() {
      return n === to;
    },
    next: () => defer(() => of(++n)),
  };
}

/** Lets everything run that waits for nothing outside the process. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('An Observer of what is pulled', () => {
  it('is asked for nothing before it subscribes, and each subscription begins anew', () => {
    const sources: Scripted[] = [];
    const stream = streamOf(() => {
      sources.push(new Scripted());
      return sources.at(-1)!;
    });
    expect(sources).toHaveLength(0);
    const [one, other] = [record(stream), record(stream)];
    sources[0]!.give(1);
    expect([one.values, other.values]).toStrictEqual([[1], []]);
    expect(sources.map(({ asked }) => asked)).toStrictEqual([2, 1]);
    one.stop();
    other.stop();
  });

  it('has taken a value before the next is asked for', () => {
    const source = new Scripted();
    const askedWhenTaken: number[] = [];
    streamOf(() => source).subscribe(() => askedWhenTaken.push(source.asked));
    source.give(1);
    source.give(2);
    expect(askedWhenTaken).toStrictEqual([1, 2]);
    expect(source.asked).toBe(3);
  });

  it('gets nothing of an empty answer, behind which it is asked again', () => {
    const source = new Scripted(2);
    const seen = record(streamOf(() => source));
    source.giveNothing();
    source.giveNothing();
    source.give(2);
    expect(seen).toMatchObject({ values: [2], ended: 'complete' });
    expect(source.asked).toBe(3);
  });

  it('that leaves with a value, or at any time, has nothing more asked for', () => {
    const source = new Scripted();
    const seen = record(streamOf(() => source).pipe(take(1)));
    source.give(1);
    expect(seen.ended).toBe('complete');
    expect(source.asked).toBe(1);
    const other = new Scripted();
    record(streamOf(() => other)).stop();
    expect(other).toMatchObject({ asked: 1, left: 1 });
  });

  it('gets any number of values that are there at once, without a growing stack', () => {
    const many = 100_000;
    let count = 0;
    streamOf(() => counting(many)).subscribe(() => count++);
    expect(count).toBe(many);
    let worked = 0;
    streamOf(() => counting(many), { project: (n) => of(n) }).subscribe(() => worked++);
    expect(worked).toBe(many);
  });

  it('gets the error of the source', () => {
    const source = new Scripted();
    const seen = record(streamOf(() => source));
    source.give(1);
    source.fail(new Error('lost'));
    expect(seen).toMatchObject({ values: [1], ended: { message: 'lost' } });
  });

  it('is called in the context in which it subscribed, and so is its work', () => {
    const storage = new AsyncLocalStorage<string>();
    const source = new Scripted(1);
    const contexts: (string | undefined)[] = [];
    const note = () => void contexts.push(storage.getStore());
    const stream = streamOf(() => source, { project: (n) => (note(), of(n)) });
    storage.run('caller', () => stream.subscribe({ next: note, complete: note }));
    storage.run('socket', () => source.give(1));
    expect(contexts).toStrictEqual(['caller', 'caller', 'caller']);
  });
});

describe('Work inside the loop', () => {
  it.each([1, 3])('has nothing asked for while there is no room for it; at the same time: %p', (concurrency) => {
    const source = new Scripted();
    const works: Subject<number>[] = [];
    const project = () => {
      works.push(new Subject());
      return works.at(-1)!;
    };
    const seen = record(streamOf(() => source, { project, concurrency }));
    for (let n = 1; n <= concurrency; n++) source.give(n);
    expect(source.asked).toBe(concurrency);
    works[0]!.next(10);
    expect(source.asked).toBe(concurrency); // it has only begun
    works[0]!.complete();
    expect(source.asked).toBe(concurrency + 1);
    expect(seen.values).toStrictEqual([10]);
    seen.stop();
    expect(works.some(({ observed }) => observed)).toBe(false);
  });

  it('may be any number with Infinity, one question at a time', () => {
    const source = new Scripted();
    const seen = record(streamOf(() => source, { project: () => NEVER, concurrency: Infinity }));
    for (let n = 1; n <= 50; n++) {
      expect(source.asked).toBe(n);
      source.give(n);
    }
    seen.stop();
  });

  it('gets the number of the value, and the stream completes when the last of it has ended', () => {
    const source = new Scripted(2);
    const last = new Subject<string>();
    const project = (n: number, index: number) => (n === 1 ? of(`${n}/${index}`) : concat(of(`${n}/${index}`), last));
    const seen = record(streamOf(() => source, { project }));
    source.give(1);
    source.give(2);
    expect(seen).toMatchObject({ values: ['1/0', '2/1'], ended: undefined });
    last.complete();
    expect(seen.ended).toBe('complete');
    expect(source.asked).toBe(2);
  });

  it.each<[string, () => ObservableInput<number>]>([
    ['that throws', () => { throw new Error('refused'); }], // prettier-ignore
    ['whose Observable errors', () => throwError(() => new Error('refused'))],
  ])('%s errors the stream, and nothing more is asked for', (_how, project) => {
    const source = new Scripted();
    const seen = record(streamOf(() => source, { project, concurrency: 2 }));
    source.give(1);
    expect(seen.ended).toMatchObject({ message: 'refused' });
    expect(source.asked).toBe(1);
  });

  it('that gives neither an Observable nor a Promise is a TypeError that names the method', () => {
    const source = new Scripted();
    const seen = record(streamOf(() => source, { project: () => 5 as never }));
    source.give(1);
    expect(seen.ended).toBeInstanceOf(TypeError);
    expect(seen.ended).toMatchObject({ message: expect.stringMatching(/^spec: 'project' gave a number/) });
  });

  it('that gives a text is a TypeError, and not a value for each letter', () => {
    const source = new Scripted();
    const seen = record(streamOf(() => source, { project: () => 'text' }));
    source.give(1);
    expect(seen.values).toStrictEqual([]);
    expect(seen.ended).toMatchObject({ name: 'TypeError', message: expect.stringContaining('gave a string') });
  });
});

describe('A loop over what is pulled', () => {
  it('is at most one value ahead of its reader', async () => {
    const source = new Scripted();
    const iterator = streamOf(() => source)[Symbol.asyncIterator]();
    expect(source.asked).toBe(0);
    const first = iterator.next();
    expect(source.asked).toBe(1);
    source.give(1);
    expect(source.asked).toBe(2);
    expect(await first).toStrictEqual({ done: false, value: 1 });
    source.give(2);
    await settled();
    expect(source.asked).toBe(2);
    expect(await iterator.next()).toStrictEqual({ done: false, value: 2 });
    expect(source.asked).toBe(3);
    await iterator.return?.();
    expect(source).toMatchObject({ asked: 3, left: 1 });
    expect(await iterator.next()).toStrictEqual({ done: true, value: undefined });
  });

  it('holds up the work inside the stream as well', async () => {
    const source = new Scripted();
    const iterator = streamOf(() => source, { project: (n) => of(n, n + 0.5) })[Symbol.asyncIterator]();
    const first = iterator.next();
    source.give(1);
    expect(await first).toMatchObject({ value: 1 });
    await settled();
    expect(source.asked).toBe(1);
    expect(await iterator.next()).toMatchObject({ value: 1.5 });
    expect(source.asked).toBe(2);
    await iterator.return?.();
  });

  it('gets what came before an error, then the error; before the end, then the end', async () => {
    const source = new Scripted();
    const iterator = streamOf(() => source)[Symbol.asyncIterator]();
    const first = iterator.next();
    source.give(1);
    source.fail(new Error('lost'));
    expect(await first).toMatchObject({ value: 1 });
    await expect(iterator.next()).rejects.toThrow('lost');
    const values: number[] = [];
    for await (const value of streamOf(() => counting(5))) values.push(value);
    expect(values).toStrictEqual([1, 2, 3, 4, 5]);
  });

  it('may ask ahead of the answers, and gets them in order', async () => {
    const source = new Scripted();
    const iterator = streamOf(() => source)[Symbol.asyncIterator]();
    const asked = [iterator.next(), iterator.next(), iterator.next()];
    for (const n of [1, 2, 3]) source.give(n);
    expect((await Promise.all(asked)).map(({ value }) => value as number)).toStrictEqual([1, 2, 3]);
    await iterator.return?.();
  });
});

describe('A signal', () => {
  it('ends a stream with its reason, and has nothing more asked for', () => {
    const controller = new AbortController();
    const source = new Scripted();
    const seen = record(streamOf(() => source, { signal: controller.signal }));
    source.give(1);
    controller.abort();
    expect(seen).toMatchObject({ values: [1], ended: { name: 'AbortError' } });
    expect(source).toMatchObject({ asked: 2, left: 1 });
  });

  it('that was aborted before has nothing asked for', () => {
    const source = new Scripted();
    const seen = record(streamOf(() => source, { signal: AbortSignal.abort('why') }));
    expect(seen.ended).toBe('why');
    expect(source.asked).toBe(0);
  });

  it('ends a loop, behind the value that was there', async () => {
    const controller = new AbortController();
    const source = new Scripted();
    const iterator = streamOf(() => source, { signal: controller.signal })[Symbol.asyncIterator]();
    const first = iterator.next();
    source.give(1);
    source.give(2);
    controller.abort(new Error('enough'));
    expect(await first).toMatchObject({ value: 1 });
    expect(await iterator.next()).toMatchObject({ value: 2 });
    await expect(iterator.next()).rejects.toThrow('enough');
  });

  it('is not listened to any more when the stream has ended, however', () => {
    const { signal } = new AbortController();
    const listeners = () => getEventListeners(signal, 'abort').length;
    const done = new Scripted(1);
    record(streamOf(() => done, { signal }));
    expect(listeners()).toBe(1);
    done.give(1);
    const failed = new Scripted();
    record(streamOf(() => failed, { signal }));
    failed.fail(new Error('lost'));
    record(streamOf(() => new Scripted(), { signal })).stop();
    expect(listeners()).toBe(0);
  });
});

describe('The end of a client', () => {
  const closed = () => new DisconnectedError('the client is closed');

  it('completes a stream that is closed: what it asks for is refused', () => {
    const ending = new Ending();
    const source = new Scripted();
    const seen = record(streamOf(() => source, { ending }));
    ending.close();
    source.give(1);
    expect(seen).toMatchObject({ values: [1], ended: undefined });
    source.fail(closed());
    expect(seen.ended).toBe('complete');
  });

  it('errors a stream that begins after that, and any other error is one', () => {
    const ending = new Ending();
    const before = new Scripted();
    const seen = record(streamOf(() => before, { ending }));
    ending.close();
    const late = new Scripted();
    const lateSeen = record(streamOf(() => late, { ending }));
    late.fail(closed());
    expect(lateSeen.ended).toMatchObject({ code: 'DISCONNECTED' });
    before.fail(new Error('WRONGTYPE'));
    expect(seen.ended).toMatchObject({ message: 'WRONGTYPE' });
  });

  it('errors all streams at once when it is destroyed, those as well whose work goes on, and later ones', () => {
    const ending = new Ending();
    const source = new Scripted();
    const seen = record(streamOf(() => source, { ending, project: () => NEVER }));
    source.give(1);
    ending.close();
    expect(seen.ended).toBeUndefined();
    ending.destroy(closed());
    ending.destroy(closed());
    expect(seen.ended).toMatchObject({ code: 'DISCONNECTED' });
    const late = new Scripted();
    expect(record(streamOf(() => late, { ending })).ended).toMatchObject({ code: 'DISCONNECTED' });
    expect(late.asked).toBe(0);
  });

  it('waits for work that goes on when it is closed, which may be the last', async () => {
    const ending = new Ending();
    const source = new Scripted();
    const work = new Subject<number>();
    const seen = record(streamOf(() => source, { ending, project: () => work }));
    source.give(1);
    ending.close();
    work.next(10);
    work.complete();
    await until(() => source.asked === 2);
    source.fail(closed());
    expect(seen).toMatchObject({ values: [10], ended: 'complete' });
    expect(record(streamOf(() => ({ isDone: true, next: () => EMPTY }), { ending })).ended).toBe('complete');
  });
});

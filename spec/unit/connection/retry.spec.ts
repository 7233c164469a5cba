import { concat, config, defer, firstValueFrom, of, throwError, type Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  Redis,
  ProtocolError,
  ReplyError,
  TimeoutError,
  retrySafely,
  type RedisError,
  type RetryOptions,
} from 'rxjs-redis';
import { get, incr } from 'rxjs-redis/commands';
import { toReplyError } from '../../../src/commands/reply-error';
import { retryPolicy } from '../../../src/connection/retry';
import { resolveRetry } from '../../../src/options';
import { ErrorFrame } from '../../../src/resp/frames';
import { failure } from '../../support/outcomes';

const exact: RetryOptions = { initialDelay: 10, maxDelay: 40, jitter: 0 };
const policyOf = (options: Parameters<typeof resolveRetry>[0]) => retryPolicy(resolveRetry(options));
const lostRead = new ConnectionError('lost', { delivery: 'unknown', repeatable: true });
const lostWrite = new ConnectionError('lost', { delivery: 'unknown', repeatable: false });
const unsent = new DisconnectedError('the queue is full', { delivery: 'unsent' });
const loading = toReplyError(new ErrorFrame('LOADING Redis is loading the dataset in memory'), get('k'));

describe('What is repeated', () => {
  const command = get('k');
  const delays = (options: Parameters<typeof resolveRetry>[0], error: RedisError, attempts = 6) =>
    Array.from({ length: attempts }, (_, n) => policyOf(options)(n + 1, error, command));

  it('follows growing delays up to the ceiling where the server refused for the moment', () => {
    expect(delays(exact, loading)).toStrictEqual([10, 20, 40, 40, 40, 40]);
    expect(delays({ ...exact, factor: 3, maxDelay: 1_000 }, loading)).toStrictEqual([10, 30, 90, 270, 810, 1_000]);
  });

  it('goes out on the next connection at once where the last one was lost', () => {
    expect(delays(exact, lostRead)).toStrictEqual([0, 0, 0, 0, 0, 0]);
    expect(delays(exact, unsent)).toStrictEqual([0, 0, 0, 0, 0, 0]);
  });

  it('is given up after maxAttempts', () => {
    expect(delays({ ...exact, maxAttempts: 2 }, loading, 3)).toStrictEqual([10, 20, false]);
    expect(delays({ ...exact, maxAttempts: 0 }, lostRead, 1)).toStrictEqual([false]);
    expect(delays(true, loading, 17).slice(15)).toStrictEqual([expect.any(Number), false]);
  });

  it.each(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN'])(
    'is what the server refused without running it: %s',
    (kind) => {
      const error = toReplyError(new ErrorFrame(`${kind} not now`), incr('n'));
      expect(error).toMatchObject({ kind, delivery: 'answered', repeatable: true });
      expect(delays(exact, error, 1)).toStrictEqual([10]);
    },
  );

  it.each(['WRONGTYPE', 'OOM', 'NOSCRIPT', 'NOAUTH', 'WRONGPASS', 'NOPERM', 'READONLY', 'EXECABORT', 'NOGROUP', 'ERR'])(
    'is nothing that would be refused again, or that ran: %s',
    (kind) => {
      const error = toReplyError(new ErrorFrame(`${kind} never`), get('k'));
      expect(error).toMatchObject({ kind, delivery: 'answered', repeatable: false });
      expect(delays(exact, error, 1)).toStrictEqual([false]);
    },
  );

  it('is no write that may have run, and no reply that could not be read', () => {
    expect(delays(exact, lostWrite, 1)).toStrictEqual([false]);
    expect(delays(exact, new TimeoutError('late', { delivery: 'unknown' }), 1)).toStrictEqual([false]);
    expect(delays(exact, new ProtocolError('what?', { delivery: 'answered' }), 1)).toStrictEqual([false]);
  });

  it('is nothing at all where it is turned off', () => {
    for (const error of [loading, lostRead, unsent]) expect(delays(false, error, 1)).toStrictEqual([false]);
  });

  it('is what a function says, whatever the error', () => {
    const asked: unknown[][] = [];
    const policy = policyOf((...question) => {
      asked.push(question);
      return 7;
    });
    expect(policy(3, lostWrite, command)).toBe(7);
    expect(asked).toStrictEqual([[3, lostWrite, command]]);
  });
});

describe('retrySafely()', () => {
  /** Fails with one error after the other, then answers. */
  const failing = (...errors: unknown[]): Observable<string> => {
    const left = [...errors];
    return defer(() => (left.length > 0 ? throwError(() => left.shift()) : of('a')));
  };
  const run = (marbles: string, source: Observable<string>, error?: unknown) =>
    new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected)).run(({ expectObservable }) =>
      expectObservable(source).toBe(marbles, undefined, error),
    );

  it('subscribes again after growing delays to what may be repeated', () => {
    run('70ms (a|)', failing(unsent, lostRead, loading).pipe(retrySafely(exact)));
  });

  it('lets what may have run fail at once', () => {
    run('#', failing(lostWrite).pipe(retrySafely(exact)), lostWrite);
    run('10ms #', failing(lostRead, lostWrite).pipe(retrySafely(exact)), lostWrite);
  });

  it('lets answers fail that would be the same again', () => {
    for (const error of [new ReplyError('WRONGTYPE', 'WRONGTYPE'), new AuthenticationError('NOAUTH', 'NOAUTH')]) {
      run('#', failing(error).pipe(retrySafely(exact)), error);
    }
  });

  it('lets errors fail that are not of this client', () => {
    const error = new TypeError('a bug');
    run('#', failing(error).pipe(retrySafely(exact)), error);
    run('#', failing(error).pipe(retrySafely(() => 1)), error);
  });

  it('gives up after maxAttempts, with the last error', () => {
    run('30ms #', failing(unsent, unsent, lostRead).pipe(retrySafely({ ...exact, maxAttempts: 2 })), lostRead);
  });

  it('asks a function about each failure', () => {
    const asked: unknown[][] = [];
    const policy = (attempt: number, error: RedisError) => {
      asked.push([attempt, error]);
      return attempt < 3 ? attempt : (false as const);
    };
    run('3ms #', failing(lostWrite, unsent, lostRead).pipe(retrySafely(policy)), lostRead);
    expect(asked).toStrictEqual([
      [1, lostWrite],
      [2, unsent],
      [3, lostRead],
    ]);
  });

  it('ends at once where the client is closed', async () => {
    const closed = new Redis('redis://127.0.0.1:1');
    await closed.destroy();
    const policy = jest.fn(() => 0);
    expect(await failure(firstValueFrom(closed.get('k').pipe(retrySafely())))).toMatchObject({ repeatable: false });
    expect(await failure(firstValueFrom(closed.subscribe('c').pipe(retrySafely())))).toMatchObject({
      repeatable: false,
    });
    await failure(closed.withOptions({ retry: policy }).get('k'));
    expect(policy).not.toHaveBeenCalled();
  });

  it('counts attempts in a row: a value starts the count anew', () => {
    let n = 0;
    const source = defer(() =>
      ++n > 5
        ? of('a')
        : concat(
            of('a'),
            throwError(() => loading),
          ),
    );
    run(
      'a-----a-----a-----a-----a-----(a|)'.replaceAll('-----', ' 9ms '),
      source.pipe(retrySafely({ ...exact, maxAttempts: 1 })),
    );
  });

  it.each([undefined, null, NaN, -1, Infinity, true, 'soon'])('gives up where a function answers with %p', (answer) => {
    run('#', failing(unsent).pipe(retrySafely((() => answer) as () => number)), unsent);
  });

  it('gives up with the error of the command where a function throws, and reports what that threw', async () => {
    const bug = new RangeError('a bug');
    const reported = new Promise((resolve) => (config.onUnhandledError = resolve));
    const throwing = () => {
      throw bug;
    };
    expect(await failure(firstValueFrom(failing(unsent).pipe(retrySafely(throwing))))).toBe(unsent);
    expect(await reported).toBe(bug);
    config.onUnhandledError = null;
  });

  it('refuses options that it does not know', () => {
    expect(() => retrySafely({ attempts: 3 } as RetryOptions)).toThrow("There is no option 'retry.attempts'");
    expect(() => retrySafely({ jitter: 2 })).toThrow("The option 'retry.jitter' is a number from 0 to 1");
  });
});

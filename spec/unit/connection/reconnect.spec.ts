import fc from 'fast-check';
import { concat, defer, NEVER, of, throwError, timer, type Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { backoff } from '../../../src/connection/backoff';
import { reconnect, type ReconnectPolicy } from '../../../src/connection/reconnect';
import { ConnectionError } from '../../../src/errors';

const policy = { initialDelay: 100, maxDelay: 60_000, factor: 2, jitter: 0, maxAttempts: Infinity };
const lost = new ConnectionError('lost');

describe('backoff', () => {
  it('grows by the factor from the first delay to the ceiling', () => {
    expect([1, 2, 3, 4, 10, 11, 1000].map((attempt) => backoff(policy, attempt))).toStrictEqual([
      100, 200, 400, 800, 51_200, 60_000, 60_000,
    ]);
  });

  it('leaves the share to chance that the jitter says, and no more', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, chance) => {
          const full = backoff(policy, attempt);
          const delay = backoff({ ...policy, jitter: 0.25 }, attempt, () => chance);
          expect(delay).toBeLessThanOrEqual(full);
          expect(delay).toBeGreaterThanOrEqual(Math.floor(full * 0.75));
        },
      ),
    );
    expect(backoff({ ...policy, jitter: 0.25 }, 1, () => 0.5)).toBe(88);
  });
});

describe('reconnect', () => {
  const run = (source: Observable<string>, marbles: string, options: ReconnectPolicy = policy) => {
    const attempts: [number, number | undefined][] = [];
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected));
    scheduler.run(({ expectObservable }) => {
      const note = (attempt: number, delay: number | undefined) => attempts.push([attempt, delay]);
      const link = source.pipe(reconnect(options, note, scheduler));
      expectObservable(link, '1s !').toBe(marbles, undefined, lost);
    });
    return attempts;
  };
  const failing = throwError(() => lost);

  it('waits before the first attempt, and longer before each that follows', () => {
    expect(run(failing, '')).toStrictEqual([
      [1, 100],
      [2, 200],
      [3, 400],
      [4, 800],
    ]);
  });

  it('starts to count anew once a connection has worked', () => {
    const outcomes = [failing, failing, concat(of('r'), failing), failing, concat(of('r'), NEVER)];
    const source = defer(() => outcomes.shift()!);
    expect(run(source, '300ms r 299ms r')).toStrictEqual([
      [1, 100],
      [2, 200],
      [1, 100],
      [2, 200],
    ]);
  });

  it('fails with the last error when the attempts are used up', () => {
    expect(run(failing, '300ms #', { ...policy, maxAttempts: 2 })).toHaveLength(2);
  });

  it('fails at once where it is turned off', () => {
    expect(run(failing, '#', false)).toStrictEqual([]);
  });

  it('lets a function decide: a delay, an Observable, or the end', () => {
    const outcomes = [failing, failing, failing];
    const decide = (attempt: number) => (attempt === 1 ? 7 : attempt === 2 ? timer(5) : false);
    expect(
      run(
        defer(() => outcomes.shift()!),
        '12ms #',
        decide,
      ),
    ).toStrictEqual([
      [1, 7],
      [2, undefined],
    ]);
  });
});

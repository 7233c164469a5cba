import fc from 'fast-check';
import { concat, defer, mergeMap, NEVER, of, queueScheduler, throwError, timer, type Observable } from 'rxjs';
import { TestScheduler } from 'rxjs/testing';
import { backoff } from '../../../src/connection/backoff';
import { reconnect, type Reconnectable, type ReconnectPolicy } from '../../../src/connection/reconnect';
import { ConnectionError } from '../../../src/errors';

const policy = {
  initialDelay: 100,
  maxDelay: 60_000,
  maxDelayWaiting: 2_000,
  factor: 2,
  jitter: 0,
  maxAttempts: Infinity,
};
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
  const run = (
    source: Observable<string>,
    marbles: string,
    options: ReconnectPolicy = policy,
    end = '1s !',
    waiting: Partial<Reconnectable> = {},
  ) => {
    const attempts: [number, number | undefined][] = [];
    const scheduler = new TestScheduler((actual, expected) => expect(actual).toStrictEqual(expected));
    scheduler.run(({ expectObservable }) => {
      const note = (attempt: number, delay: number | undefined) => attempts.push([attempt, delay]);
      const link = source.pipe(
        reconnect(options, { clock: scheduler, isWaitedFor: () => false, waited$: NEVER, ...waiting }, note),
      );
      expectObservable(link, end).toBe(marbles, undefined, lost);
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

  const lasting = (duration: number) => concat(of('r'), timer(duration).pipe(mergeMap(() => failing)));

  it('starts to count anew once a connection has lasted as long as the wait before it', () => {
    const outcomes = [failing, failing, lasting(200), failing, concat(of('r'), NEVER)];
    const source = defer(() => outcomes.shift()!);
    expect(run(source, '300ms r 499ms r')).toStrictEqual([
      [1, 100],
      [2, 200],
      [1, 100],
      [2, 200],
    ]);
  });

  it('goes on counting when a connection is lost sooner than that', () => {
    const outcomes = [failing, failing, lasting(199), failing];
    const source = defer(() => outcomes.shift()!);
    expect(run(source, '300ms r 598ms #', { ...policy, maxAttempts: 3 })).toStrictEqual([
      [1, 100],
      [2, 200],
      [3, 400],
    ]);
  });

  it('starts to count anew once a connection has lasted five seconds, whatever the wait before it', () => {
    const outcomes = [failing, lasting(4_999), failing, lasting(5_000), NEVER];
    const source = defer(() => outcomes.shift()!);
    const patient = { ...policy, initialDelay: 6_000, maxDelay: 60_000 };
    expect(run(source, '6000ms r 40998ms r', patient, '60s !')).toStrictEqual([
      [1, 6_000],
      [2, 12_000],
      [3, 24_000],
      [1, 6_000],
    ]);
  });

  it('measures how long a connection has lasted, not how long it took to make', () => {
    const source = defer(() => timer(150).pipe(mergeMap(() => lasting(1))));
    expect(run(source, '150ms r 250ms r 350ms r')).toStrictEqual([
      [1, 100],
      [2, 200],
      [3, 400],
    ]);
  });

  it('counts anew after any connection where an Observable decided', () => {
    const outcomes = [failing, lasting(0), NEVER];
    const source = defer(() => outcomes.shift()!);
    expect(run(source, '50ms r', () => timer(50))).toStrictEqual([
      [1, undefined],
      [1, undefined],
    ]);
  });

  it('counts for each subscriber alone', () => {
    const attempts: number[] = [];
    const note = (attempt: number) => attempts.push(attempt);
    const link = failing.pipe(
      reconnect(
        { ...policy, initialDelay: 0, maxAttempts: 1 },
        { clock: queueScheduler, isWaitedFor: () => false, waited$: NEVER },
        note,
      ),
    );
    for (let n = 0; n < 2; n++) link.subscribe({ error: () => undefined });
    expect(attempts).toStrictEqual([1, 1]);
  });

  it('fails with the last error when the attempts are used up', () => {
    expect(run(failing, '300ms #', { ...policy, maxAttempts: 2 })).toHaveLength(2);
  });

  it('waits no longer than maxDelayWaiting while something waits for it, before the first attempt as well', () => {
    const waiting = { isWaitedFor: () => true };
    const bounded = { ...policy, initialDelay: 1_000, maxDelayWaiting: 300 };
    expect(run(failing, '', bounded, '1s !', waiting)).toStrictEqual([
      [1, 300],
      [2, 300],
      [3, 300],
      [4, 300],
    ]);
  });

  it('cuts a long delay short when something begins to wait: to maxDelayWaiting from then on', () => {
    const bounded = { ...policy, initialDelay: 60_000, maxDelayWaiting: 300, maxAttempts: 1 };
    expect(run(failing, '800ms #', bounded, '100s !', { waited$: timer(500, 10) })).toStrictEqual([[1, 60_000]]);
  });

  it('keeps a delay that is over before that', () => {
    const bounded = { ...policy, initialDelay: 600, maxDelayWaiting: 300, maxAttempts: 1 };
    expect(run(failing, '600ms #', bounded, '100s !', { waited$: timer(500) })).toHaveLength(1);
  });

  it('does not happen once a loss is the end, whatever the policy', () => {
    expect(run(failing, '#', policy, '1s !', { ends: () => true })).toStrictEqual([]);
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

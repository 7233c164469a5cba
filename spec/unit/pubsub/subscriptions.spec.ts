import { EMPTY, Subject, of } from 'rxjs';
import type { Send } from '../../../src/connection/resident';
import { ReplyError } from '../../../src/errors';
import { Subscriptions } from '../../../src/pubsub/subscriptions';

/** Counts how often a collection is asked, and how many elements it hands out. */
function counted<C extends object>(collection: C, count: () => void): C {
  return new Proxy(collection, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]): unknown => {
        count();
        const result: unknown = Reflect.apply(member, target, args);
        return isIterator(result) ? countedIterator(result, count) : result;
      };
    },
  });
}

function isIterator(value: unknown): value is IterableIterator<unknown> {
  return typeof value === 'object' && value !== null && 'next' in value && Symbol.iterator in value;
}

function* countedIterator(iterator: IterableIterator<unknown>, count: () => void): Generator {
  for (const element of iterator) {
    count();
    yield element;
  }
}

function setUp(channels: number) {
  const subscriptions = new Subscriptions('channel', () => 0);
  const sent: string[] = [];
  const send: Send = (command) => {
    sent.push([command.spec.name, ...command.args].join(' '));
    return of(null);
  };
  const reconcile = () => subscriptions.reconcile(send, () => EMPTY).subscribe();
  const join = (key: string) => subscriptions.topic(key).strings.subscribe();
  for (let n = 0; n < channels; n++) join(`channel ${n}`);
  reconcile();
  sent.length = 0;
  let work = 0;
  const inside = subscriptions as unknown as Record<string, object>;
  for (const name of ['topics', 'asked', 'changed', 'leaving', 'taken', 'idleUntil'])
    inside[name] = counted(inside[name]!, () => work++);
  return { subscriptions, sent, join, reconcile, work: () => work };
}

describe('Subscriptions', () => {
  const workFor = (channels: number): number => {
    const { subscriptions, sent, join, reconcile, work } = setUp(channels);
    const observer = join('one more');
    reconcile();
    observer.unsubscribe();
    subscriptions.release(subscriptions.get('one more')!, 0);
    subscriptions.leaveIdle(0);
    reconcile();
    expect(sent).toStrictEqual(['SUBSCRIBE one more', 'UNSUBSCRIBE one more']);
    return work();
  };

  it('takes the same work for one channel that joins and leaves, however many others there are', () => {
    const alone = workFor(0);
    expect(alone).toBeGreaterThan(5); // it is counted
    expect(workFor(50_000)).toBe(alone);
  });

  it('costs what has changed, and the whole only after the server has forgotten', () => {
    const { subscriptions, sent, reconcile, work } = setUp(1_000);
    reconcile();
    expect(work()).toBeLessThan(10);
    subscriptions.forget();
    reconcile();
    expect(sent).toHaveLength(1);
    expect(work()).toBeGreaterThan(1_000);
  });

  it('asks for what was refused for the moment when it is time, however many others are joined and left meanwhile', () => {
    const subscriptions = new Subscriptions('channel', () => 0);
    const sent: string[] = [];
    const answers: Subject<never>[] = [];
    const send: Send = ({ spec, args }) => {
      sent.push([spec.name, ...args].join(' '));
      const answer = new Subject<never>();
      answers.push(answer);
      return answer;
    };
    const reconcile = () => subscriptions.reconcile(send, () => EMPTY).subscribe();
    subscriptions.topic('refused');
    reconcile();
    answers[0]!.error(new ReplyError('CLUSTERDOWN Hash slot not served', 'CLUSTERDOWN', { repeatable: true }));
    for (const name of ['one', 'two']) {
      subscriptions.topic(name);
      reconcile();
    }
    expect(sent).toStrictEqual(['SUBSCRIBE refused', 'SUBSCRIBE one', 'SUBSCRIBE two']);
    expect([subscriptions.unconfirmed, subscriptions.changes]).toStrictEqual([true, false]);
    subscriptions.askForRefused();
    expect(subscriptions.changes).toBe(true);
    reconcile();
    expect(sent.slice(3)).toStrictEqual(['SUBSCRIBE refused']);
  });

  it('has nothing unconfirmed once what was refused for the moment is observed no more', () => {
    const subscriptions = new Subscriptions('channel', () => 0);
    const answer = new Subject<never>();
    const reconcile = () =>
      subscriptions
        .reconcile(
          () => answer,
          () => EMPTY,
        )
        .subscribe();
    const topic = subscriptions.topic('refused');
    reconcile();
    answer.error(new ReplyError('LOADING Redis is loading', 'LOADING', { repeatable: true }));
    expect(subscriptions.unconfirmed).toBe(true);
    subscriptions.release(topic, 0);
    reconcile();
    // What publishes would wait for it.
    expect([subscriptions.unconfirmed, subscriptions.size]).toStrictEqual([false, 0]);
  });

  it('has nothing to ask again for what was refused for the moment and is observed no more', () => {
    const subscriptions = new Subscriptions('channel', () => 0);
    const answers: Subject<never>[] = [];
    const send: Send = () => {
      const answer = new Subject<never>();
      answers.push(answer);
      return answer;
    };
    const reconcile = () => subscriptions.reconcile(send, () => EMPTY).subscribe();
    const topic = subscriptions.topic('left');
    reconcile();
    subscriptions.release(topic, 0);
    subscriptions.leaveIdle(0);
    reconcile();
    expect(answers).toHaveLength(2);
    answers[0]!.error(new ReplyError('LOADING Redis is loading', 'LOADING', { repeatable: true }));
    // What publishes would wait for it.
    expect([subscriptions.unconfirmed, subscriptions.changes]).toStrictEqual([false, false]);
  });
});

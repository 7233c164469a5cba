import { Observable, Subject, Subscription, type Subscriber } from 'rxjs';
import { ConnectionError, ReplyError, type RedisError } from '../../../src/errors';
import type { Command } from '../../../src/commands/command';
import type { Unfinished } from '../../../src/demand/ending';
import type { Job, QueueEvent } from '../../../src/streams/queue-job';
import { QueueKeys, entryOf, written, type Entry } from '../../../src/streams/queue-keys';
import type { Tended } from '../../../src/streams/queue-scripts';
import type { AfterWait, QueueTransport, WorkerLimits } from '../../../src/streams/queue-transport';
import { QueueWorker } from '../../../src/streams/queue-worker';
import { VirtualClock } from '../../support/virtual-clock';

/** A command that was sent, and what answers it. */
interface Sent {
  readonly name: string;
  readonly args: readonly string[];
  readonly answer: (value?: unknown) => void;
  readonly fail: (error: RedisError) => void;
}

const NOTHING: Tended = { jobs: [], lost: [], dead: [], nextDue: undefined };
const entry = (id: string, tries = 0): Entry => entryOf(written(id, tries, `payload of ${id}`));
const lost = () => new ConnectionError('lost', { delivery: 'unknown', repeatable: true });

const limits: WorkerLimits = {
  concurrency: 2,
  lease: 30_000,
  drainTimeout: 5_000,
  attempts: 3,
  deadLetter: true,
  delayAfter: () => 500,
};

/** By their keys: what a script is called in the source. */
function nameOf({ spec, args }: Command): string {
  if (!spec.name.startsWith('EVALSHA')) return spec.name;
  const keys = args.slice(2, 2 + Number(args[1])).map((key) => String(key).split(':')[2]);
  const names: Record<string, string> = {
    'workers,delayed,waiting,worker': 'tend',
    'workers,waiting,dead,worker': 'takeBack',
    'workers,waiting,worker': 'leave',
    'worker,delayed,dead': 'fail',
  };
  return names[keys.join()]!;
}

/** A worker whose commands are answered as the spec says. */
function scripted(handler: ((job: Job) => unknown) | undefined, given: Partial<WorkerLimits> = {}) {
  const clock = new VirtualClock();
  const sent: Sent[] = [];
  let client: Unfinished | undefined;
  const controlled: string[] = [];
  let after: AfterWait | undefined;
  let hasLeftWait = false;
  const note = (command: Command, subscriber: Subscriber<never>): void => {
    const args = command.args.slice(command.spec.name.startsWith('EVALSHA') ? 2 + Number(command.args[1]) : 0);
    sent.push({
      name: nameOf(command),
      args: args.map(String),
      answer: (value) => {
        subscriber.next(value as never);
        subscriber.complete();
      },
      fail: (error) => subscriber.error(error),
    });
  };
  const control = {
    send: <T>(command: Command<T>): Observable<T> => {
      controlled.push(nameOf(command));
      return new Observable();
    },
  };
  const transport: QueueTransport = {
    clock,
    holds: (one) => {
      client = one;
      return new Subscription(() => (client = undefined));
    },
    send: <T>(command: Command<T>) => new Observable<T>((subscriber) => note(command, subscriber)),
    wait: <T>(command: Command<T>, told: AfterWait) =>
      new Observable<T>((subscriber) => {
        after = told;
        note(command, subscriber);
        return () => (hasLeftWait = true);
      }),
    prefixed: (command) => command,
  };
  const events: (Job | QueueEvent)[] = [];
  let ended: unknown;
  const observer = new Observable<Job | QueueEvent>((subscriber) => {
    const task = { payloadOf: (bytes: Buffer) => String(bytes), handler, wanted: () => Infinity, observer: subscriber };
    worker = new QueueWorker<string>(new QueueKeys('q'), { ...limits, ...given }, transport, task);
    worker.begin();
    return () => worker.stop();
  });
  let worker!: QueueWorker<string>;
  const subscription = observer.subscribe({
    next: (event) => events.push(event),
    error: (error: unknown) => (ended = error),
    complete: () => (ended = 'complete'),
  });
  return {
    clock,
    sent,
    events,
    /** How the client ends; undefined once it need not be told. */
    client: () => client,
    controlled,
    worker,
    stop: () => subscription.unsubscribe(),
    names: () => sent.map(({ name }) => name),
    last: (name: string) => sent.findLast((one) => one.name === name)!,
    /** The command that waits is over; its reply is answered behind that. */
    over: (isCertain = true) => after!(control, isCertain),
    hasLeftWait: () => hasLeftWait,
    ended: () => ended,
  };
}

const typesOf = (events: readonly (Job | QueueEvent)[]) =>
  events.map((event) => ('type' in event ? event.type : 'job'));

describe('A worker of a queue', () => {
  it('does a job once that an answer told of before the reply came that had brought it', () => {
    const begun: string[] = [];
    const { clock, last, over, events } = scripted((job) => void begun.push(job.id));
    last('tend').answer(NOTHING);
    const wait = last('BLMOVE');
    clock.advance(1_000);
    last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    last('LREM').answer(1);
    last('tend').answer(NOTHING);
    over();
    wait.answer(entry('a').whole);
    expect([begun, typesOf(events)]).toStrictEqual([['a'], ['done']]);
  });

  it('does a job once that came and was done before an answer told of it', () => {
    const begun: string[] = [];
    const { clock, last, over } = scripted((job) => void begun.push(job.id));
    last('tend').answer(NOTHING);
    clock.advance(1_000);
    over();
    last('BLMOVE').answer(entry('a').whole);
    last('LREM').answer(1);
    last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    expect(begun).toStrictEqual(['a']);
    // Its next attempt is another matter.
    last('tend').answer({ ...NOTHING, jobs: [entry('a', 1)] });
    expect(begun).toStrictEqual(['a', 'a']);
  });

  it.each<[lease: number, beat: number]>([
    [30_000, 1_000],
    [1_500, 500],
  ])(
    'with a lease of %i ms renews it each %i ms, also while it waits, and sooner where a job is due',
    (lease, beat) => {
      const { clock, last, names } = scripted(() => undefined, { lease });
      last('tend').answer(NOTHING);
      clock.advance(beat - 1);
      expect(names()).toStrictEqual(['tend', 'BLMOVE']);
      clock.advance(1);
      expect(names()).toStrictEqual(['tend', 'BLMOVE', 'tend']);
      last('tend').answer({ ...NOTHING, nextDue: 50 });
      clock.advance(50);
      expect(names()).toStrictEqual(['tend', 'BLMOVE', 'tend', 'tend']);
    },
  );

  it('asks for no more than there is room for beside the one that it waits for', () => {
    const { clock, last } = scripted(undefined, { concurrency: 3 });
    const limit = () => Number(last('tend').args[2]);
    expect(limit()).toBe(3);
    last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    clock.advance(1_000);
    expect([limit(), last('tend').args.slice(3)]).toStrictEqual([2, ['1', 'a']]);
  });

  it('leaves a job to an answer that came when its lease was over', () => {
    const begun: string[] = [];
    const { clock, last, over } = scripted((job) => void begun.push(job.id), { lease: 1_000 });
    last('tend').answer(NOTHING);
    const wait = last('BLMOVE');
    clock.advance(1_000);
    over();
    wait.answer(entry('a').whole);
    expect(begun).toStrictEqual([]);
    last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    expect(begun).toStrictEqual(['a']);
  });

  it('begins nothing of an answer that came when its lease was over, and asks once more', () => {
    const begun: string[] = [];
    const { clock, last, names } = scripted((job) => void begun.push(job.id), { lease: 1_000 });
    clock.advance(1_000);
    last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    expect(begun).toStrictEqual([]);
    expect(names()).toStrictEqual(['tend', 'tend']);
    last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    expect(begun).toStrictEqual(['a']);
  });

  it('tries again what was lost, after growing delays', () => {
    const { clock, last, names } = scripted(() => undefined);
    for (const delay of [20, 40, 80, 160, 320, 640, 1_000, 1_000]) {
      const before = names().length;
      last('tend').fail(lost());
      clock.advance(delay - 1);
      expect(names()).toHaveLength(before);
      clock.advance(1);
      expect(names()).toHaveLength(before + 1);
    }
  });

  it('ends with what does not pass', () => {
    const { last, ended } = scripted(() => undefined);
    const refused = new ReplyError('NOPERM', 'NOPERM');
    last('tend').fail(refused);
    expect(ended()).toBe(refused);
  });

  it('waits by BRPOPLPUSH where BLMOVE is not known', () => {
    const { last, over, names } = scripted(() => undefined);
    last('tend').answer(NOTHING);
    over();
    last('BLMOVE').fail(new ReplyError('ERR unknown command `blmove`, with args beginning with: ', 'ERR'));
    expect(names()).toStrictEqual(['tend', 'BLMOVE', 'BRPOPLPUSH']);
    over();
    last('BRPOPLPUSH').answer(null);
    expect(names().at(-1)).toBe('BRPOPLPUSH');
  });

  it('leaves once nothing waits at the server any more, and is gone with that', () => {
    const { clock, last, names, over, stop, hasLeftWait } = scripted(() => undefined);
    last('tend').answer(NOTHING);
    stop();
    expect([hasLeftWait(), names()]).toStrictEqual([true, ['tend', 'BLMOVE']]);
    over();
    expect(last('leave').args.slice(1)).toStrictEqual(['0']);
    last('leave').answer(0);
    expect(clock.waiting).toBe(0);
  });

  it('stays known, and gives back once more, where a lost connection may bring it one more job', () => {
    const { clock, last, names, over, stop } = scripted(() => undefined);
    last('tend').answer(NOTHING);
    stop();
    over(false);
    expect(last('leave').args.slice(1)).toStrictEqual(['30000']);
    last('leave').answer(0);
    // It renews its lease meanwhile.
    while ((last('tend').answer(NOTHING), clock.now() < 1_999)) clock.advance(1);
    expect(names().filter((name) => name === 'leave')).toHaveLength(1);
    clock.advance(1);
    last('tend').answer(NOTHING);
    expect(last('leave').args.slice(1)).toStrictEqual(['0']);
  });

  it('gives back at once what an answer brings that was under way when it was left, and lets the rest finish', () => {
    const finish = new Subject<void>();
    const { clock, last, over, stop } = scripted(() => finish);
    last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    clock.advance(1_000);
    stop();
    over();
    last('tend').answer({ ...NOTHING, jobs: [entry('b')] });
    expect(last('leave').args.slice(1)).toStrictEqual(['30000', 'a']);
    last('leave').answer(1);
    finish.complete();
    last('LREM').answer(1);
    last('tend').answer(NOTHING);
    expect(last('leave').args.slice(1)).toStrictEqual(['0']);
  });

  it('ends in time where nothing can be acknowledged', () => {
    const { clock, last, stop, sent, worker } = scripted(() => undefined);
    let isDrained = false;
    worker.drained$.subscribe(() => (isDrained = true));
    last('tend').answer({ ...NOTHING, jobs: [entry('a'), entry('b')] });
    stop();
    // All that is sent is lost.
    const failed = new Set<Sent>();
    for (let ms = 0; ms < 40_000 && !isDrained; ms += 10) {
      for (const one of sent.filter((other) => !failed.has(other))) {
        failed.add(one);
        one.fail(lost());
      }
      clock.advance(10);
    }
    expect(isDrained).toBe(true);
    expect(clock.waiting).toBe(0);
  });

  it('gives all back when the client is closed: by the last word of what waits, where something does', () => {
    const one = scripted(() => new Subject());
    one.last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    one.client()!.finish();
    expect([one.ended(), one.hasLeftWait(), one.controlled]).toStrictEqual(['complete', true, []]);
    one.over();
    expect(one.controlled).toStrictEqual(['leave']);
    const other = scripted(() => new Subject(), { concurrency: 1 });
    other.last('tend').answer({ ...NOTHING, jobs: [entry('a')] });
    other.client()!.finish();
    expect([other.ended(), other.last('leave').args.slice(1)]).toStrictEqual(['complete', ['0']]);
  });

  it('lets go of all at once when the client is destroyed, and sends nothing', () => {
    let left = 0;
    const { clock, client, last, stop, names } = scripted(() => new Observable(() => () => left++));
    last('tend').answer({ ...NOTHING, jobs: [entry('a'), entry('b')] });
    stop();
    client()!.abandon();
    expect([left, clock.waiting, names()]).toStrictEqual([2, 0, ['tend']]);
  });

  it('takes the jobs of dead workers back, and looks for them at once', () => {
    const { last, events, names } = scripted(() => undefined);
    last('tend').answer({ ...NOTHING, dead: ['other'] });
    expect(last('takeBack').args).toStrictEqual(['other', '30000', '3', '1']);
    last('takeBack').answer({ waiting: 2, dead: 1 });
    expect(events).toStrictEqual([{ type: 'recovered', waiting: 2, dead: 1 }]);
    expect(names().at(-1)).toBe('tend');
  });

  it('leaves the handler of a job that was taken back, and says so', () => {
    let left = 0;
    const jobs: Job[] = [];
    const { clock, last, events } = scripted((job) => {
      jobs.push(job);
      return new Observable(() => () => left++);
    });
    last('tend').answer({ ...NOTHING, jobs: [entry('a'), entry('b')] });
    const [a, b] = jobs as [Job, Job];
    expect(a.signal.aborted).toBe(false);
    clock.advance(1_000);
    void b.ack();
    last('tend').answer({ ...NOTHING, lost: ['a', 'b'] });
    // The end of the other is on its way already, and may have been what removed it.
    expect(events).toStrictEqual([{ type: 'lost', job: a }]);
    expect([left, a.signal.aborted, b.signal.aborted]).toStrictEqual([1, true, false]);
    last('LREM').answer(0);
    expect(typesOf(events)).toStrictEqual(['lost', 'done']);
  });
});

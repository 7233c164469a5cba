import type { Subscription } from 'rxjs';
import { AuthenticationError, DisconnectedError, ProtocolError, ReplyError } from '../../src/errors';
import { isNotice } from '../../src/pubsub/notices';
import type { Message } from '../../src/pubsub/topic';
import type { RedisView } from '../../src/redis-view';
import { GapWatch } from './gap-watch';
import type { Journal } from './journal';
import type { Link } from './link';
import type { JoinItem } from './plan';
import { matches, type PushedMessage } from './peer';
import { NOT_GREETED, isMomentary } from './reception';
import { FORBIDDEN, MOVING } from './server';
import type { Timeline } from './timeline';
import type { UserErrors } from './user-errors';

/** Somebody who observes channels. */
interface Observer {
  readonly item: JoinItem;
  readonly names: ReadonlySet<string>;
  readonly joinedAt: number;
  /** the client had ended before */
  readonly tooLate: boolean;
  /** what it has been told, in order */
  readonly received: string[];
  /** what it is told beside messages; undefined where it wants no gaps */
  readonly watch: GapWatch | undefined;
  subscription: Subscription | undefined;
  /** it has neither left nor been told of an end */
  active: boolean;
}

/** How a stream of messages ended. */
export type Ending = { readonly kind: 'complete' } | { readonly kind: 'error'; readonly error: unknown };

/** What the client says of itself. */
export interface Client {
  /** its user has closed it */
  closing(): boolean;
  /** … or destroyed it, before it had ended in another way */
  endedAtOnce(): boolean;
  /** why it has given up; undefined while it goes on */
  failure(): unknown;
  /** the same of the connections that it made for its messages */
  failuresForMessages(): readonly unknown[];
  /** it is reading that the server does not let it in */
  signInRefused(): boolean;
  /** a connection for messages has met what is no Redis, and there was none for commands either */
  metNoRedis(): boolean;
  /** the link that it has for its messages just now */
  carrier(): Link | undefined;
}

/** All who observe channels, and what each of them has to be told. */
export class Observers {
  private readonly all: Observer[] = [];
  private told = 0;

  constructor(
    private readonly timeline: Timeline,
    private readonly journal: Journal,
    private readonly userErrors: UserErrors,
    private readonly client: Client,
  ) {}

  join(view: RedisView, item: JoinItem): void {
    const observer: Observer = {
      item,
      names: new Set(item.names),
      joinedAt: this.timeline.now(),
      received: [],
      watch: item.gaps
        ? new GapWatch(item.id, item.sharded === true, this.timeline, this.journal, () => this.client.carrier())
        : undefined,
      subscription: undefined,
      active: true,
      tooLate: this.client.closing() || this.client.failure() !== undefined,
    };
    this.all.push(observer);
    this.journal.note('joins', item.id, ...item.names);
    const surface = (item.bytes ? view.bytes : view) as RedisView;
    const options = { gaps: item.gaps ?? false };
    const messages = item.sharded ? surface.ssubscribe(item.names, options) : surface.subscribe(item.names, options);
    const subscription = messages.subscribe({
      next: (told) => {
        if (!isNotice(told)) this.tell(observer, told);
        else if (observer.watch === undefined || !observer.active)
          this.journal.fail(`observer ${item.id} was told ${told.type} and does not want it`);
        else observer.watch.told(told);
      },
      error: (error: unknown) => this.end(observer, { kind: 'error', error }),
      complete: () => this.end(observer, { kind: 'complete' }),
    });
    observer.subscription = subscription;
    if (!observer.active) subscription.unsubscribe();
    if (item.leaveAfter === 0) this.leave(observer);
    else if (item.leaveAfter !== undefined) this.timeline.afterInProcess(item.leaveAfter, () => this.leave(observer));
  }

  /** The channels and patterns that somebody observes; a shard channel begins with `#`. */
  get observed(): Set<string> {
    return this.observedBefore(Infinity);
  }

  /** The same, of those who joined before a time. */
  observedBefore(time: number): Set<string> {
    const active = this.all.filter(({ active, joinedAt }) => active && joinedAt < time);
    return new Set(active.flatMap(({ item }) => item.names.map((name) => (item.sharded ? `#${name}` : name))));
  }

  /** Whether somebody observes the channel who joined at that time and is one of the first so many. */
  hasJoined(channel: string, time: number, count: number): boolean {
    return this.all
      .slice(0, count)
      .some(({ active, joinedAt, names, item }) => active && joinedAt === time && !item.sharded && names.has(channel));
  }

  /** How many have ever joined. */
  get joined(): number {
    return this.all.length;
  }

  leaveAll(): void {
    for (const observer of this.all) this.leave(observer);
  }

  /** Messages are about to reach the client: returns the check that all who observe are told, and nobody else. */
  expect(link: Link, messages: readonly PushedMessage[]): () => void {
    if (messages.length === 0) return this.expectNothing();
    const before = this.all.map(({ active, received, watch }) => ({
      active,
      count: received.length,
      early: new Map(messages.map((message) => [message, watch === undefined ? false : watch.isEarly(link, message)])),
    }));
    return () => {
      this.all.forEach((observer, index) => {
        const { active = false, count = 0, early } = before[index] ?? {};
        const got = observer.received.slice(count).join();
        const own = messages.filter(
          (message) =>
            observer.names.has(message.pattern ?? message.channel) &&
            message.sharded === (observer.item.sharded ?? false) &&
            early?.get(message) !== true,
        );
        const wanted = own.map(keyOf);
        // Who asks for bytes while a message is being read as text may miss it.
        const sure = own
          .filter(({ joinedBefore = Infinity }) => !observer.item.bytes || index < joinedBefore)
          .filter((message) => early === undefined || early.get(message) === false)
          .map(keyOf);
        if (!active && before[index] !== undefined && got !== '') {
          this.journal.fail(`observer ${observer.item.id} had left and was told ${got}`);
        } else if (active && observer.active && got !== wanted.join() && got !== sure.join()) {
          this.journal.fail(`observer ${observer.item.id} was told '${got}', not '${wanted.join()}'`);
        } else if (active && !observer.active && ![wanted, sure].some((list) => list.join().startsWith(got))) {
          this.journal.fail(`observer ${observer.item.id} left and was told '${got}' out of '${wanted.join()}'`);
        }
      });
    };
  }

  private expectNothing(): () => void {
    const { told } = this;
    return () => {
      if (this.told > told) this.journal.fail('an observer was told of a message that nobody has sent');
    };
  }

  /** The client has ended: so must all streams have. */
  checkEnded(): void {
    for (const { active, item } of this.all) {
      if (active) this.journal.fail(`observer ${item.id} was not told that the client has ended`);
    }
  }

  private tell(observer: Observer, message: Message): void {
    this.told++;
    const { item, received, names } = observer;
    if (!observer.active) this.journal.fail(`observer ${item.id} was told of a message after its end`);
    const isText = typeof message.data === 'string';
    if (isText === item.bytes) this.journal.fail(`observer ${item.id} got ${isText ? 'a string' : 'bytes'}`);
    // Names are bytes where the data is.
    const isTextOfName = typeof message.channel === 'string';
    if (isTextOfName === item.bytes) this.journal.fail(`observer ${item.id} got a name in another form than the data`);
    const channel = String(message.channel);
    const pattern = message.pattern === undefined ? undefined : String(message.pattern);
    if (!names.has(pattern ?? channel) || (pattern && !matches(pattern, channel))) {
      this.journal.fail(`observer ${item.id} was told of ${channel}`);
    }
    observer.watch?.message(pattern ?? channel);
    received.push(keyOf({ channel, pattern, data: String(message.data) }));
    this.journal.count('message');
    if (received.length === item.takes) this.leave(observer);
    if (item.throws === true) this.userErrors.throw();
  }

  private leave(observer: Observer): void {
    if (!observer.active || observer.subscription === undefined) {
      observer.active = false;
      return;
    }
    this.timeline.touched = true;
    this.journal.note('leaves', observer.item.id);
    observer.active = false;
    observer.subscription.unsubscribe();
  }

  private end(observer: Observer, ending: Ending): void {
    const { item } = observer;
    this.journal.note('ends', item.id, ending.kind);
    this.journal.count(`ends ${ending.kind}`);
    if (!observer.active) this.journal.fail(`observer ${item.id} was told of an end after it had left`);
    observer.active = false;
    if (!this.mayEnd(observer, ending)) {
      const what = ending.kind === 'complete' ? 'complete' : String(ending.error);
      this.journal.fail(`observer ${item.id} was told ${what}, and nothing was the matter`);
    }
    if (item.throws !== true) return;
    // RxJS tells nobody of what is thrown in the teardown of several streams in one.
    if (item.names.length === 1) observer.subscription?.add(() => this.userErrors.throw());
    this.userErrors.throw();
  }

  /** A stream goes on until its user closes or destroys the client, the client gives up or cannot sign in, or the channel is refused. */
  private mayEnd({ item, tooLate }: Observer, ending: Ending): boolean {
    const failure = this.client.failure();
    const endedAtOnce = this.client.endedAtOnce();
    if (ending.kind === 'complete') return this.client.closing() && !endedAtOnce && failure === undefined;
    const { error } = ending;
    if (error instanceof DisconnectedError) return tooLate || endedAtOnce;
    if ([failure, ...this.client.failuresForMessages()].includes(error)) return true;
    if (error instanceof AuthenticationError) return this.client.signInRefused();
    if (error instanceof ProtocolError) return this.client.metNoRedis();
    if (!(error instanceof ReplyError)) return false;
    // The connection of messages was not greeted, and never will be.
    if (error.message.endsWith(NOT_GREETED)) return !isMomentary(error.message);
    // What was taken away is refused for whatever reason there is when its time is up.
    if (error.kind === 'MOVED' || isMomentary(error.message))
      return item.sharded === true && item.names.includes(MOVING);
    return error.kind === 'NOPERM' && item.names.includes(FORBIDDEN);
  }
}

/** A message as this observer has to see it. */
function keyOf({ channel, pattern, data }: Pick<PushedMessage, 'channel' | 'pattern' | 'data'>): string {
  return `${pattern ?? ''}>${channel}>${data}`;
}

import type { EventEmitter } from 'node:events';
import { asyncScheduler, throwError, timeout, type Subscription } from 'rxjs';
import { TimeoutError, type RedisView } from '../index';

/** What is subscribed to: channels, patterns, channels of a shard. */
export type MessageKind = 'channel' | 'pattern' | 'shard';

/** What is one subscription. */
interface Joined {
  readonly subscription: Subscription;
  readonly confirmed: Promise<void>;
  /** it is left; with an error where the client ends */
  readonly left: (error?: Error) => void;
}

/** The subscriptions of one client, and their messages as events. */
export class MessageEvents {
  private readonly joined = new Map<string, Joined>();
  /** How many of them are of shards. */
  private shards = 0;

  /** @param patience how long the server may take to confirm a subscription, ms */
  constructor(
    private readonly emitter: EventEmitter,
    private readonly patience: number,
  ) {}

  /** Channels and patterns, which are counted together; those of shards are counted by themselves. */
  count(kind: MessageKind): number {
    return kind === 'shard' ? this.shards : this.joined.size - this.shards;
  }

  /** @returns when the server has confirmed all of them, how many there are */
  async join(client: RedisView, kind: MessageKind, names: readonly string[]): Promise<number> {
    const places = names.map((name) => this.joined.get(`${kind} ${name}`) ?? this.begin(client, kind, name));
    await Promise.all(places.map(({ confirmed }) => confirmed));
    return this.count(kind);
  }

  /** @param names none for all of the kind */
  leave(kind: MessageKind, names: readonly string[]): number {
    const places = names.length > 0 ? names.map((name) => `${kind} ${name}`) : [...this.joined.keys()];
    for (const place of places) if (place.startsWith(`${kind} `)) this.drop(place);
    return this.count(kind);
  }

  leaveAll(): void {
    for (const place of [...this.joined.keys()]) this.drop(place, new Error('Connection is closed.'));
  }

  private drop(place: string, error?: Error): void {
    const joined = this.joined.get(place);
    joined?.subscription.unsubscribe();
    this.forget(place);
    joined?.left(error);
  }

  private forget(place: string): void {
    if (this.joined.delete(place) && place.startsWith('shard ')) this.shards--;
  }

  private begin({ bytes }: RedisView, kind: MessageKind, name: string): Joined {
    const { resolve, reject, promise } = deferred();
    const messages$ =
      kind === 'channel'
        ? bytes.subscribe(name, { literal: true, gaps: true })
        : kind === 'pattern'
          ? bytes.psubscribe(name, { gaps: true })
          : bytes.ssubscribe(name, { gaps: true });
    const place = `${kind} ${name}`;
    const confirmed$ =
      this.patience === Infinity
        ? messages$
        : messages$.pipe(
            timeout({
              first: this.patience,
              scheduler: asyncScheduler,
              with: () => throwError(() => late(kind, this.patience)),
            }),
          );
    const subscription = confirmed$.subscribe({
      next: (told) => {
        if ('data' in told) this.tell(kind, told.channel, told.data, name);
        else if (told.type === 'subscribed') resolve();
      },
      error: (error: Error) => {
        this.forget(place);
        reject(error);
      },
      complete: () => {
        this.forget(place);
        reject(new Error('Connection is closed.'));
      },
    });
    const left = (error?: Error): void => (error === undefined ? resolve() : reject(error));
    const joined = { subscription, confirmed: promise, left };
    this.joined.set(place, joined);
    if (kind === 'shard') this.shards++;
    return joined;
  }

  private tell(kind: MessageKind, channel: Buffer, data: Buffer, name: string): void {
    const { emitter } = this;
    const event = kind === 'channel' ? 'message' : kind === 'pattern' ? 'pmessage' : 'smessage';
    const pattern = kind === 'pattern' ? [name] : [];
    if (emitter.listenerCount(event) > 0) emitter.emit(event, ...pattern, channel.toString(), data.toString());
    if (emitter.listenerCount(`${event}Buffer`) > 0) emitter.emit(`${event}Buffer`, ...pattern, channel, data);
  }
}

function late(kind: MessageKind, patience: number): TimeoutError {
  const command = kind === 'channel' ? 'SUBSCRIBE' : kind === 'pattern' ? 'PSUBSCRIBE' : 'SSUBSCRIBE';
  return new TimeoutError(`${command} was not confirmed within ${patience} ms`, {
    command,
    delivery: 'unknown',
    repeatable: true,
  });
}

function deferred(): { promise: Promise<void>; resolve: () => void; reject: (error: Error) => void } {
  let resolve!: () => void;
  let reject!: (error: Error) => void;
  const promise = new Promise<void>((yes, no) => ([resolve, reject] = [yes, no]));
  // The caller of `join` is told; a later end of the subscription concerns no call.
  promise.catch(() => undefined);
  return { promise, resolve, reject };
}

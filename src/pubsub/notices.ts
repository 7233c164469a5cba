import { Subscription, type Subscriber } from 'rxjs';
import { unprefixChannel } from '../commands/prefix';
import { dateOf, type Clock } from '../connection/clock';
import { Multicast } from '../connection/multicast';
import type { RedisError } from '../errors';
import { Waiting, type Overflow } from '../demand/waiting';
import { sentAs } from '../resp/binary-names';
import type { Confirmation, Topic } from './topic';

/** The server has confirmed a subscription: from here on nothing is missed, until a {@link Gap} says otherwise. */
export interface Subscribed<S extends string | Uint8Array = string> {
  readonly type: 'subscribed';
  /** the channel; undefined where it is a pattern */
  readonly channel?: S;
  readonly pattern?: S;
}

/** Messages may have been missed, because a subscription was lost for a while. It stands again: `subscribed` follows. */
export interface Gap<S extends string | Uint8Array = string> {
  readonly type: 'gap';
  /** the channel; undefined where it is a pattern */
  readonly channel?: S;
  readonly pattern?: S;
  /**
   * the last sign of life on the connection that was lost: what had come by then was delivered. What was still on its way may be missed as well,
   * however long before it was published where the client lagged behind. Messages are no sign of life while a reply is owed, so some that came
   * later may have been delivered. It is never before the `subscribed` that this stream was told last
   */
  readonly from: Date;
  /** when the client was told that the server has confirmed the subscription again */
  readonly to: Date;
  /** why the subscription was lost */
  readonly reason: RedisError;
}

/** What a stream of messages carries beside them with the option `gaps`. */
export type Notice<S extends string | Uint8Array = string> = Subscribed<S> | Gap<S>;

/** How an Observer of a topic is told of it. */
interface Naming {
  readonly isPattern: boolean;
  readonly asBytes: boolean;
  readonly clock: Clock;
}

/**
 * Tells an Observer of a topic: notices of the gaps in what it was told to have, and messages from the first `subscribed` on. What an earlier
 * subscription of the same name still brings before that is left out, because nothing says what is missed behind it.
 * @returns what has it leave
 */
export function withNotices<M>(
  subscriber: Subscriber<M | Notice<string | Buffer>>,
  topic: Topic,
  messages$: Multicast<M>,
  { isPattern, asBytes, clock }: Naming,
): Subscription {
  const seats = new Subscription();
  const own = ownName(topic, asBytes);
  const name = isPattern ? { pattern: own } : { channel: own };
  let toldAt: number | undefined;
  const tell = ({ at, loss }: Confirmation): void => {
    if (toldAt === undefined) seats.add(messages$.join(subscriber));
    else if (loss !== undefined) {
      const from = dateOf(Math.max(loss.from, toldAt));
      subscriber.next({ type: 'gap', ...name, from, to: dateOf(at), reason: loss.reason });
    }
    toldAt = at;
    subscriber.next({ type: 'subscribed', ...name });
  };
  topic.confirmations ??= new Multicast();
  seats.add(
    topic.confirmations.subscribe({
      next: tell,
      error: (error: unknown) => subscriber.error(error),
      complete: () => subscriber.complete(),
    }),
  );
  if (topic.isConfirmed) tell({ at: clock.now(), loss: undefined });
  return seats;
}

function ownName({ key }: Topic, asBytes: boolean): string | Buffer {
  const name = sentAs(key);
  if (asBytes) return typeof name === 'string' ? Buffer.from(name) : name;
  return name.toString();
}

/** Whether it tells of the subscription. */
export function isNotice<T>(item: T): item is T & { readonly type: Notice['type'] } {
  if (typeof item !== 'object' || item === null) return false;
  const { type } = item as { readonly type?: unknown };
  return type === 'gap' || type === 'subscribed';
}

/** A notice with the name that the client itself uses. */
export function ownNotice<S extends string | Uint8Array>(notice: Notice<S>, prefix: string): Notice<S> {
  const { channel, pattern } = notice;
  if (channel !== undefined) return { ...notice, channel: unprefixChannel('channel', channel, prefix) ?? channel };
  return { ...notice, pattern: unprefixChannel('pattern', pattern!, prefix) ?? pattern! };
}

/** Messages that wait for a reader. Notices among them, and snapshots, are never dropped. */
export function waitingFor<T>(buffer: number, overflow: Overflow, onDrop?: () => void): Waiting<T> {
  return new Waiting<T>(buffer, overflow, isNoMessage, onDrop);
}

// Hot: once per message of a loop.
function isNoMessage(item: unknown): boolean {
  return isNotice(item) || (item as { readonly type?: unknown } | null)?.type === 'snapshot';
}

import { Observable } from 'rxjs';
import { unprefixChannel } from '../commands/prefix';
import { dateOf, type Clock } from '../connection/clock';
import { Multicast } from '../connection/multicast';
import type { RedisError } from '../errors';
import { nameOf } from './channel-name';
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
  /** when the client last heard something of the server before the loss: what had arrived until then was delivered */
  readonly from: Date;
  /** when the server confirmed the subscription again */
  readonly to: Date;
  /** why the subscription was lost */
  readonly reason: RedisError;
}

/** What a stream of messages carries beside them with the option `gaps`. */
export type Notice<S extends string | Uint8Array = string> = Subscribed<S> | Gap<S>;

/** The notices of one topic for one Observer, which is told of the gaps in what it was told to have. */
export function noticesOf(
  topic: Topic,
  isPattern: boolean,
  asBytes: boolean,
  clock: Clock,
): Observable<Notice<string | Buffer>> {
  return new Observable((subscriber) => {
    const own = ownName(topic, asBytes);
    const name = isPattern ? { pattern: own } : { channel: own };
    let toldAt: number | undefined;
    const tell = ({ at, loss }: Confirmation): void => {
      if (toldAt !== undefined && loss !== undefined) {
        const from = dateOf(Math.max(loss.from, toldAt));
        subscriber.next({ type: 'gap', ...name, from, to: dateOf(at), reason: loss.reason });
      }
      toldAt = at;
      subscriber.next({ type: 'subscribed', ...name });
    };
    subscriber.add((topic.confirmations ??= new Multicast()).subscribe(tell));
    if (topic.isConfirmed) tell({ at: clock.now(), loss: undefined });
  });
}

function ownName({ key }: Topic, asBytes: boolean): string | Buffer {
  const name = nameOf(key);
  if (asBytes) return typeof name === 'string' ? Buffer.from(name) : name;
  return name.toString();
}

// Hot: once per message of a loop.
/** Whether it is no message. */
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

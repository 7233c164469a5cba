import { Observable, concatMap, filter, map, of, type ObservableInput, type OperatorFunction } from 'rxjs';
import { dateOf, type Clock } from '../connection/clock';
import type { Overflow } from '../demand/waiting';
import { kindOf } from '../resp/kind-of';
import { isNotice, type Gap, type Notice } from './notices';
import type { MessageOptions } from './subscribe-options';
import type { Message } from './topic';

/** Something has happened to a key. */
export interface KeyspaceEvent<S extends string | Uint8Array = string> {
  readonly type?: undefined;
  readonly key: S;
  /** `set`, `del`, `expired`, as the server names it */
  readonly event: string;
  readonly database: number;
}

/** How keyspace events are taken. */
export interface KeyspaceOptions<G extends boolean = boolean, V extends Overflow = Overflow> extends MessageOptions<
  G,
  V
> {
  /** the names of the events that are wanted; all that the server tells of unless told otherwise */
  readonly events?: string | readonly string[] | undefined;
  /** the server is told to tell of them, by CONFIG SET, also after it was restarted; what it tells of already stays */
  readonly configure?: boolean | undefined;
}

/** @throws TypeError unless it is the name of an event, or several, or undefined */
export function eventsOf(given: unknown): readonly string[] | undefined {
  if (given === undefined) return undefined;
  const events: readonly unknown[] = Array.isArray(given) ? given : [given];
  const wrong = events.find((event) => typeof event !== 'string' || event === '');
  if (wrong !== undefined || events.length === 0) {
    const got = Array.isArray(given) && events.length > 0 ? `an array with ${kindOf(wrong)}` : kindOf(given);
    throw new TypeError(`The option 'events' is the name of an event, or an array of at least one, got ${got}`);
  }
  return events as readonly string[];
}

/** The channel on which a server tells of what happens to a key. */
export function keyspaceChannel(database: number, key: string | Uint8Array): string | Buffer {
  const head = headOf(database);
  return typeof key === 'string' ? head + key : Buffer.concat([Buffer.from(head), key]);
}

/** Messages of such channels as events, those alone that are wanted. */
export function keyspaceEvents<S extends string | Buffer>(
  database: number,
  events: readonly string[] | undefined,
): OperatorFunction<Message<S> | Notice<S>, KeyspaceEvent<S> | Notice<S>> {
  const { length } = headOf(database);
  const wanted = events && new Set(events);
  const keyIn = (name: S): S => (typeof name === 'string' ? name.slice(length) : name.subarray(length)) as S;
  return (source) =>
    source.pipe(
      map((item): KeyspaceEvent<S> | Notice<S> => {
        if (!isNotice(item)) return { key: keyIn(item.channel), event: item.data.toString(), database };
        const { channel, pattern, ...rest } = item;
        return { ...rest, pattern: keyIn((channel ?? pattern)!) };
      }),
      filter((item) => isNotice(item) || wanted === undefined || wanted.has(item.event)),
    );
}

/**
 * Has each confirmation wait until the server tells of the events; where it had to be told to, the gap lasts until then.
 * @param ensure emits whether it had to be told to; it is asked `anew` where the server may be another
 */
export function confirmedBy<T, S extends string | Uint8Array>(
  ensure: (anew: boolean) => Observable<boolean>,
  clock: Clock,
): OperatorFunction<T | Notice<S>, T | Notice<S>> {
  return (source) =>
    new Observable((subscriber) => {
      let gaps: Gap<S>[] = [];
      const checked$ = source.pipe(
        concatMap((item): ObservableInput<T | Notice<S>> => {
          if (!isNotice(item)) return of(item);
          if (item.type === 'gap') {
            gaps.push(item as Gap<S>);
            return [];
          }
          const ended = gaps;
          gaps = [];
          return ensure(ended.length > 0).pipe(
            concatMap((wasTold) => {
              const to = dateOf(clock.now());
              return [...(wasTold ? ended.map((gap) => ({ ...gap, to })) : ended), item];
            }),
          );
        }),
      );
      return checked$.subscribe(subscriber);
    });
}

function headOf(database: number): string {
  return `__keyspace@${database}__:`;
}

/** What the channels of keyspace events begin with. */
const HEADS = ['__keyspace@', '__keyevent@'];

/** Whether a pattern means the channels of keyspace events although it does not name them in full, as `__key*__:*`. */
export function meansKeyspace(pattern: string): boolean {
  const [head] = /^__key[^*?[\\]*(?=[*?[\\])/.exec(pattern) ?? [];
  return head !== undefined && HEADS.some((one) => one.startsWith(head));
}

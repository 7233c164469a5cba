import type { Consumer, Handling } from '../consumers';
import type { Remains, StreamWatcher } from '../stream-commands';
import type { Tail, TailedItem } from '../tails';
import type { ConsumeProgress } from '../../../src/streams/consume-options';

/** What the group of a stream has not done with; undefined where there is no group. */
export type RemainsOf = (stream: string) => Remains | undefined;

/** What rules hear of those that read streams. */
export interface StreamEvents extends StreamWatcher {
  tailAsked(tail: Tail): void;
  /** a tail brings an entry, or tells of a gap */
  tailGiven(tail: Tail, item: TailedItem): void;
  tailEnded(tail: Tail): void;
  consumerAsked(consumer: Consumer): void;
  /** the handler of a consumer is called with an entry */
  handlingBegun(handling: Handling): void;
  /** handling an entry has ended, or the client does not want it any more */
  handlingEnded(handling: Handling): void;
  progressTold(consumer: Consumer, progress: ConsumeProgress): void;
  consumerEnded(consumer: Consumer): void;
  /** from now on nothing befalls the client */
  streamsCalmed(): void;
  /** nothing has befallen the client for so long that those that still read have read all */
  streamsRested(remains: RemainsOf): void;
  /** all is over */
  streamsConcluded(remains: RemainsOf): void;
}

/** What hears of some of it. */
export type Hearing<T> = { readonly [N in keyof T]?: T[N] | undefined };

const NAMES: readonly (keyof StreamEvents)[] = [
  'entryAdded',
  'entriesGone',
  'entriesDelivered',
  'entryClaimed',
  'entriesAcknowledged',
  'deadLetterAdded',
  'lastIdTold',
  'tailAsked',
  'tailGiven',
  'tailEnded',
  'consumerAsked',
  'handlingBegun',
  'handlingEnded',
  'progressTold',
  'consumerEnded',
  'streamsCalmed',
  'streamsRested',
  'streamsConcluded',
];

/** Tells all of them of everything, in their order. */
export function toldToAll(hearers: readonly Hearing<StreamEvents>[]): StreamEvents {
  return tellers(NAMES, hearers);
}

/** An object whose methods call those of the same name of all hearers, in their order. */
export function tellers<T extends object>(names: readonly (keyof T)[], hearers: readonly Hearing<T>[]): T {
  const methods = names.map((name) => {
    const tell = (...facts: readonly unknown[]) => {
      for (const hearer of hearers)
        (hearer[name] as ((...facts: readonly unknown[]) => void) | undefined)?.apply(hearer, [...facts]);
    };
    return [name, tell] as const;
  });
  return Object.fromEntries(methods) as T;
}

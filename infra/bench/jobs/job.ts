import type { GroupMethod, TimedCommand } from '../clients/client';
import type { ClientName } from '../clients';

/** What a worker process measures. */
export type Job =
  /** commands in loops: `perSecond`, and `cpu` microseconds of processor time per command */
  | { readonly kind: 'throughput'; readonly command: TimedCommand; readonly inFlight: number; readonly seconds: number }
  /** GETs in groups of `size`, `inFlight` groups at once: the same metrics */
  | {
      readonly kind: 'groups';
      readonly method: GroupMethod;
      readonly size: number;
      readonly inFlight: number;
      readonly seconds: number;
    }
  /** reads of keys in many slots of a cluster, in loops: the same metrics */
  | {
      readonly kind: 'cluster';
      readonly command: 'get' | 'mget';
      readonly inFlight: number;
      readonly seconds: number;
    }
  /** GETs one by one, plain and on an idle lease each, in turns for so many seconds: see `prepareLease` */
  | { readonly kind: 'lease'; readonly seconds: number }
  /** messages of a channel, gathered `times` times: `perSecond`, from the first of `count` to the last, and `cpu` µs of the receiver for each */
  | { readonly kind: 'messages'; readonly channel: string; readonly count: number; readonly times: number }
  /** GETs one by one beside so many messages a second, for so many seconds, and as long without: see `prepareBeside` */
  | { readonly kind: 'beside'; readonly channel: string; readonly perSecond: number; readonly seconds: number }
  /** so many messages a second for another worker: nothing is measured */
  | { readonly kind: 'pace'; readonly channel: string; readonly perSecond: number }
  /** all keys of a database that has so many, in pages: `perSecond`, and `cpu` microseconds of processor time per key */
  | { readonly kind: 'scan'; readonly keys: number; readonly page: number | undefined }
  /** rows that are written as they come: `perSecond`, and `cpu` µs of the client for each */
  | { readonly kind: 'load'; readonly rows: number }
  /** entries of a stream that are handled and acknowledged, so many at the same time: `perSecond`, and `cpu` µs of the client for each */
  | { readonly kind: 'consume'; readonly entries: number; readonly atOnce: number }
  /** jobs of BullMQ that are added and done, so many at the same time: `perSecond`, and `cpu` µs of the client for each */
  | { readonly kind: 'bullmq'; readonly jobs: number; readonly atOnce: number }
  /** GETs of a cluster, so many a second at a master that lives and at one that is killed: see `prepareFailover` */
  | { readonly kind: 'failover'; readonly perSecond: number }
  /** commands that nobody answers: `heap` and `resident` bytes for each, and `memory`, the one of them that tells */
  | { readonly kind: 'pending'; readonly count: number }
  /** GETs that are due evenly, whatever has become of those before: `p50`, `p99`, `p999`, µs from when each was due to its reply */
  | { readonly kind: 'latency'; readonly perSecond: number; readonly seconds: number }
  /** GETs in loops, without a collection in between: `bytes` of heap for each */
  | { readonly kind: 'allocation'; readonly inFlight: number; readonly count: number }
  /** GETs in loops: `collecting`, µs of collections of garbage for each */
  | { readonly kind: 'collections'; readonly inFlight: number; readonly seconds: number }
  /** the first reply: `milliseconds` since the process began */
  | { readonly kind: 'start-up' }
  /** Observers of one channel, or each of a channel of its own, that join, get a message and leave: `microseconds` for each */
  | { readonly kind: 'observers'; readonly of: 'one channel' | 'channels'; readonly count: number }
  /** GETs in loops of keys that a cache has no room for, with one and without: `perSecond`, `cpu` */
  | { readonly kind: 'misses'; readonly inFlight: number; readonly seconds: number }
  /** so many Observers of one live query, each of which gets each value that is written: `microseconds` for each */
  | { readonly kind: 'live'; readonly count: number }
  /** a bulk string, cut into chunks of a socket's size, through our decoder: `millisecondsPerMegabyte` */
  | { readonly kind: 'decoding'; readonly megabytes: number };

/** A job, by which client, against which server: all that a worker is told. */
export interface Assignment {
  readonly job: Job;
  readonly client: ClientName;
  readonly url: string;
  /** a process that measures once gives a profile in place of figures */
  readonly isProfiled?: boolean;
}

/** What one measurement found, by the names that `Job` explains. */
export type Metrics = Readonly<Record<string, number>>;

/** Where the time of a measurement went, or the heap that it took: how much of it to each function, without what that called. */
export interface Profile {
  readonly unit: 'samples' | 'bytes a command';
  readonly total: number;
  readonly functions: readonly { readonly name: string; readonly place: string; readonly own: number }[];
}

/** What a worker says: it is connected and warm, or has measured. It fails by exiting. */
export type WorkerMessage =
  | { readonly type: 'ready' }
  | { readonly type: 'measured'; readonly metrics: Metrics }
  | { readonly type: 'profiled'; readonly profile: Profile };

/** What the rows time, as the user of a client would call it. */
export type TimedCommand =
  | 'get'
  | 'set'
  | 'lrange'
  | 'hgetall'
  | 'zrange'
  | 'xrange'
  | 'mget'
  | 'getMedium'
  | 'getLarge'
  | 'getLargeBytes'
  | 'script';

/** How several commands are sent as one. */
export type GroupMethod = 'pipeline' | 'multi';

/** A connected client. It is never closed: its process ends with the measurement. */
export interface BenchClient {
  /** Sends `total` commands, never more than `inFlight` at once: the next one when a reply has come. */
  run(command: TimedCommand, inFlight: number, total: number): Promise<void>;
  /** Sends one GET of the small value; what has no calls of its own lacks it. */
  readonly get?: () => PromiseLike<unknown>;
  /** Sends `total` groups of that many GETs, never more than `inFlight` groups at once. */
  runGroups(method: GroupMethod, size: number, inFlight: number, total: number): Promise<void>;
  /** Walks over all keys of the database, in pages of so many, of its own size where that is undefined; gives their number. */
  scan?(page: number | undefined): Promise<number>;
  /** Writes so many rows that come one by one, each as a hash, in pipelines of a thousand. */
  load?(rows: number): Promise<void>;
  /** Handles so many entries of a stream by a new consumer group, no more than `atOnce` at the same time, and acknowledges them. */
  consume?(entries: number, atOnce: number): Promise<void>;
  /** Adds so many jobs to a queue of BullMQ on it, and does them, no more than `atOnce` at the same time. */
  doJobs?(jobs: number, atOnce: number): Promise<void>;
  /** Sends that many GETs of a key that the server stays silent about. */
  leavePending?(key: string, count: number): void;
}

/** How a client is brought up: one module for each. */
export interface ClientModule {
  /** Resolves as soon as commands may be sent, whether the connection is there or not. */
  connect(url: string): Promise<BenchClient>;
  /** Calls back for every message of a channel. */
  listen(url: string, channel: string, onMessage: () => void): Promise<void>;
}

/** One group of so many GETs of the small value, as the user of a client would write it. */
export type GroupCalls = Readonly<Record<GroupMethod, (size: number) => PromiseLike<unknown>>>;

/** One call of a command, by its name. */
export type Calls = Readonly<Record<TimedCommand, () => PromiseLike<unknown>>>;

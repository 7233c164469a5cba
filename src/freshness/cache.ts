import type { Arg, Command } from '../commands/command';
import type { Unsubscribable } from 'rxjs';
import { bytesOf } from '../resp/bytes-of';
import { ErrorFrame, type Frame } from '../resp/frames';
import { slotOf } from '../resp/hash-slot';
import type { Request } from '../commands/request';
import type { Executor } from '../commands/request-context';
import type { Clock } from '../connection/clock';
import type { Wrap } from '../connection/wrapping';
import { TimeoutError, type RedisError } from '../errors';
import type { ResolvedCache } from '../options';
import { NONE, Reading, type Entry, type Home, type Joined, type ReadingOwner } from './cache-entry';
import { CacheStore } from './cache-store';
import { copied, sizeOf } from './kept-frames';
import { nameOf, namesOf, readsOneKey } from './names';
import { OwnWrites } from './own-writes';
import { KeptRead, trackedFor, unread } from './tracked-read';

/** What a cache has done so far, and what it holds. */
export interface CacheStats {
  /** commands that were answered from memory */
  readonly hits: number;
  /** commands that could have been, and were sent, or have joined one that was */
  readonly misses: number;
  /** replies that were dropped because a key has changed, or may have */
  readonly invalidations: number;
  /** replies that were dropped for want of room */
  readonly evictions: number;
  /** replies that are kept */
  readonly entries: number;
  /** what they take, about */
  readonly bytes: number;
}

/** What an entry takes beside its reply and its arguments, bytes: measured. */
const OVERHEAD = 224;

/**
 * So many reads are answered from memory in one turn of the event loop; then one goes to the server. A loop that awaits nothing else would
 * otherwise never let an invalidation be read.
 */
const HITS_A_TURN = 10_000;
/** Answers begun inside an answer: RxJS takes the next of a backlog inside the end of the last, and a deeper stack would overflow. */
const DEEPEST = 32;

/** What a cache is made with. */
export interface CacheParts {
  readonly options: ResolvedCache;
  /** where all reads go to; undefined in a cluster, where it is found out for each */
  readonly home: Home | undefined;
  readonly clock: Clock;
  /** whether a key may be kept, by its name */
  readonly isWanted: (name: string) => boolean;
  /** told once per link that the server does not track */
  readonly onRefused: (error: RedisError) => void;
}

/**
 * Answers reads from memory. It wraps executors, so a client without a cache has nothing of it.
 */
//  read ──kept──▶ answered at once
//     │ └─being read──▶ waits for that
//     └─▶ the server ──reply──▶ kept, unless a key was invalidated or written to meanwhile, or the link was lost
//  write ──▶ what it writes to is dropped, and not kept again before its reply
export class Cache implements ReadingOwner {
  readonly store = new CacheStore();
  private readonly writes: OwnWrites;
  private hits = 0;
  private misses = 0;
  private invalidations = 0;
  private evictions = 0;
  /** The client has ended: nothing is answered from memory. */
  private isOver = false;
  private readonly ttl: number;
  /** Whether any reply has a time: until then none is noted, because the clock costs a tenth of a miss. */
  private isTimed: boolean;
  /** How many more are answered from memory in this turn of the event loop. */
  private left = HITS_A_TURN;
  private depth = 0;
  private readonly inputRead = () => {
    this.left = HITS_A_TURN;
  };

  constructor(private readonly parts: CacheParts) {
    this.ttl = parts.options.ttl;
    this.isTimed = this.ttl !== Infinity;
    this.writes = new OwnWrites(
      (name) => this.drop(name),
      () => this.dropAll(),
    );
  }

  /** Drops what was read at a home when that tells of changes, until what this returns is unsubscribed from. */
  follows(home: Home): Unsubscribable {
    const { tracker } = home;
    const dropOf = (): void => this.dropOf(home);
    tracker.tells({
      invalidated: (name) => this.drop(name),
      allInvalidated: dropOf,
      lost: dropOf,
      started: (isNewLink) => isNewLink || dropOf(),
      refused: (error) => {
        dropOf();
        this.parts.onRefused(error);
      },
    });
    return tracker.hold(false);
  }

  get stats(): CacheStats {
    const { hits, misses, invalidations, evictions, store } = this;
    return { hits, misses, invalidations, evictions, entries: store.count, bytes: store.size };
  }

  /** How many of the client's own writes are under way, by what they write to. */
  get writesUnderWay(): number {
    return this.writes.size;
  }

  /** An executor that answers from memory what it can. */
  readonly around: Wrap = (executor) => ({ submit: (request) => this.submit(request, executor) });

  /** An executor of another connection: what it writes is dropped here, and nothing is answered from memory. */
  readonly noting: Wrap = (executor) => ({
    submit: (request) => {
      this.writes.note(request, false);
      executor.submit(request);
    },
  });

  // Hot: once per command.
  private submit(request: Request, executor: Executor): void {
    const { command, context } = request;
    const { spec } = command;
    if (spec.cacheable === undefined || command.keys.length === 0) {
      if (spec.replay !== 'read' || !spec.plain) this.writes.note(request, true);
      executor.submit(request);
      return;
    }
    const wish = context.cache;
    if (wish === false || (spec.cacheable === 'timed' && (wish === undefined || wish.ttl === Infinity))) {
      executor.submit(request);
      return;
    }
    if (wish !== undefined) this.isTimed = true;
    const asBytes = context.bytes || spec.binary === true;
    const name = nameOf(firstKey(command));
    const entry = this.store.get(name, command, asBytes);
    if (entry !== undefined && entry.reading === undefined) {
      const ttl = wish === undefined ? this.ttl : wish.ttl;
      const isFresh = ttl === Infinity || this.parts.clock.now() - entry.keptAt < ttl;
      if (isFresh && this.left > 0) {
        if (this.left-- === HITS_A_TURN) this.parts.clock.afterInput(this.inputRead);
        this.hits++;
        this.store.touch(entry);
        this.answer(request, copied(entry.frame));
        return;
      }
    }
    this.miss(request, executor, entry, asBytes, name);
  }

  private answer(request: Request, frame: Frame): void {
    if (this.depth === DEEPEST) {
      this.parts.clock.nextTick(() => request.settle(frame));
      return;
    }
    this.depth++;
    try {
      request.settle(frame);
    } finally {
      this.depth--;
    }
  }

  /**
   * @param entry what there is, which does not answer the request yet or any more
   * @param name of the first key
   */
  private miss(request: Request, executor: Executor, entry: Entry | undefined, asBytes: boolean, name: string): void {
    const { home, clock } = this.parts;
    this.misses++;
    const before = entry?.reading;
    if (before !== undefined && isLike(before.request, request)) {
      before.join(request, clock.now());
      return;
    }
    const { command } = request;
    const others = readsOneKey(command) ? NONE : namesOf(command).slice(1);
    const isKept =
      !this.isOver &&
      home?.tracker.refusal === undefined &&
      !this.writes.concern(name, others) &&
      this.areWanted(name, others);
    if (!isKept) {
      executor.submit(request);
      return;
    }
    const { store } = this;
    if (entry !== undefined) store.remove(entry);
    const own = store.begin(command, asBytes, name, home === undefined ? withSlot(command, others) : others);
    const reading = (own.reading = new Reading(this, executor, request, command, own));
    reading.send(home === undefined ? new KeptRead(command, reading) : trackedFor(reading, unread(command), home));
  }

  // Hot: once per miss.
  filled(reading: Reading, frame: Frame): void {
    if (reading.entry !== undefined) this.keep(reading, reading.entry, frame);
    const { joined } = reading;
    if (joined === undefined) reading.settleFirst(frame);
    else this.settleAll(reading, joined, frame);
  }

  private settleAll(reading: Reading, joined: Joined[], frame: Frame): void {
    // What the first makes of its reply is its own.
    const own = copied(frame);
    reading.joined = undefined;
    let settled = 0;
    try {
      reading.settleFirst(frame);
      for (; settled < joined.length; settled++) joined[settled]!.request.settle(copied(own));
    } catch (error) {
      reading.rejoin(joined.slice(settled));
      throw error;
    }
  }

  failed(reading: Reading, error: RedisError): void {
    if (reading.entry !== undefined) this.store.remove(reading.entry);
    const { joined = [], executor } = reading;
    reading.joined = undefined;
    reading.takeFirst()?.error(error);
    for (const { request, at } of joined) {
      if (error instanceof TimeoutError) {
        // It came later, so its own time is not up.
        request.deadline = at + request.context.commandTimeout;
        executor.submit(request);
      } else request.fail(error);
    }
  }

  unanswered(reading: Reading): void {
    if (reading.entry !== undefined) this.store.remove(reading.entry);
    const { joined = [] } = reading;
    reading.joined = undefined;
    reading.takeFirst()?.complete();
    for (const { request } of joined) request.settleUnanswered();
  }

  private keep(reading: Reading, entry: Entry, frame: Frame): void {
    const { store, parts } = this;
    const { options, clock } = parts;
    const { home, tracked, command } = reading;
    reading.entry = undefined;
    const isTracked = home?.tracker.isOn === true && tracked?.isTracked !== false && !(frame instanceof ErrorFrame);
    if (tracked?.refusal !== undefined) home?.tracker.refusedCaching(tracked.refusal);
    const size = OVERHEAD + sizeOf(frame) + argumentBytes(command);
    if (!isTracked || size > options.maxBytes) {
      store.remove(entry);
      return;
    }
    entry.size = size;
    entry.home = home;
    entry.frame = copied(frame);
    // Without a read that limits the age of replies no time is taken; a reply of before is too old for such a read.
    entry.keptAt = this.isTimed ? clock.now() : -Infinity;
    home.watch();
    store.keep(entry);
    while (store.count > options.maxEntries || store.size > options.maxBytes) {
      this.evictions++;
      store.remove(store.leastUsed!);
    }
  }

  /** Drops all that was read at a home. */
  dropOf(home: Home): void {
    if (this.parts.home !== undefined) this.dropAll();
    else this.invalidations += this.store.removeAll((entry) => entry.home === home);
  }

  /** Slots of the cluster have moved. */
  moved(slots: Iterable<number>): void {
    if (this.store.keys > 0) for (const slot of slots) this.drop(nameOfSlot(slot));
  }

  /** Drops all that is kept; what is being read is not kept either. */
  clear(): void {
    this.store.clear();
  }

  /** The client has ended. */
  end(): void {
    this.isOver = true;
    this.store.clear();
  }

  private drop(name: string): void {
    this.invalidations += this.store.removeKey(name);
  }

  private dropAll(): void {
    this.invalidations += this.store.count;
    this.store.clear();
  }

  private areWanted(name: string, others: readonly string[]): boolean {
    const { isWanted } = this.parts;
    return isWanted(name) && others.every(isWanted);
  }
}

/** Whether a request may wait for the read that another has begun: it has the same limits, and is repeated alike. */
function isLike(first: Request, { context }: Request): boolean {
  const { commandTimeout, retry, linkLimits, idempotent } = first.context;
  return (
    commandTimeout === context.commandTimeout &&
    retry === context.retry &&
    linkLimits === context.linkLimits &&
    idempotent === context.idempotent
  );
}

/** Slots have places among the keys, so that what was read of one is found by that. */
function withSlot(command: Command, names: readonly string[]): readonly string[] {
  return [...names, nameOfSlot(slotOf(firstKey(command)))];
}

function firstKey(command: Command): Arg {
  return command.argumentAt(command.keys[0]!.from)!;
}

function nameOfSlot(slot: number): string {
  return `\0slot ${slot}`;
}

function argumentBytes({ args }: Command): number {
  let size = 0;
  for (const arg of args) size += typeof arg === 'string' ? arg.length : bytesOf(arg).length;
  return size;
}

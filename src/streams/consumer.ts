import { EMPTY, Observable, Subscription, catchError, defer, map, tap, type Subscriber } from 'rxjs';
import type { Command } from '../commands/command';
import { eval as evalScript, xreadgroup } from '../commands/generated/builders';
import type { Entry, GroupEntry } from '../commands/replies/types';
import { textOf } from '../commands/text-of';
import { captured } from '../connection/async-context';
import type { Clock } from '../connection/clock';
import type { Ending } from '../demand/ending';
import { Slots } from '../demand/slots';
import { RedisError } from '../errors';
import { Acknowledge } from './acknowledge';
import type { ConsumeProgress, ConsumerSettings, Handling } from './consume-options';
import { ConsumerGroup } from './consumer-group';
import { bury } from './dead-letters';
import { InHand } from './in-hand';
import { Outage, isOutage } from './outage';
import { Pending } from './pending';
import { isKind } from './refused';
import { Tally } from './tally';

type Text = string | Buffer;

/** What a consumer needs of its client. */
export interface ConsumeParts {
  readonly send: <T>(command: Command<T>) => Observable<T>;
  /** replies as bytes */
  readonly inBytes: <T>(command: Command<T>) => Observable<T>;
  /** sends commands as a transaction; errors stand in their places */
  readonly multi: (commands: readonly Command[]) => Observable<readonly unknown[]>;
  /** sends what does no harm twice, also while the client is being closed */
  readonly settle: <T>(command: Command<T>) => Observable<T>;
  /**
   * Waits at the server, on a connection of its own.
   * @param undelivered told what came after the Observer had left
   * @param over told when nothing waits there any more
   */
  readonly wait: <T>(command: Command<T>, undelivered: (value: unknown) => void, over: () => void) => Observable<T>;
  /** texts come as bytes */
  readonly bytes: boolean;
  readonly ending: Ending;
  readonly clock: Clock;
  /** of the server, where it is known */
  readonly version?: (() => string | undefined) | undefined;
  /** what handlers work in, for telemetry */
  readonly handling?: Handling | undefined;
}

/** How often idle entries are looked for, ms; and how far the group is. */
const TICK = 5_000;
/** In one script, so that nothing is delivered between the two. */
const GIVE_UP = `if #redis.call('XPENDING', KEYS[1], ARGV[1], '-', '+', 1, ARGV[2]) == 0 then
  return redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
end`;

/** An entry as a handler gets it: as it was read, with how often that was. */
type Consumed = Entry<Text> & { deliveries: number };

/** One subscription to the entries of a stream. */
//  consuming ──left, closed, refused──▶ draining ──all is handled and acknowledged, or drainTimeout──▶ over
//
//  while it is consuming, one at a time, as long as there are free slots:
//    group ──▶ own pending entries ──▶ idle ones, every few seconds ──▶ new ones, waiting at the server
export class Consumer {
  private state: 'consuming' | 'draining' | 'over' = 'consuming';
  private readonly slots: Slots<Consumed>;
  private readonly acks: Acknowledge;
  private readonly group: ConsumerGroup;
  private readonly pending: Pending;
  private readonly outage: Outage;
  private readonly inHand: InHand;
  private readonly tally: Tally;
  /** What is being asked. */
  private asking: Subscription | undefined;
  /** For each command that waits at the server, also where its connection was lost: the entries that were taken over since it was sent. */
  private readonly waits = new Set<Set<string>>();
  /** Until then a read that was lost with its connection may be given entries, on the clock, ms; kept where nothing idle is taken over. */
  private strayUntil: number | undefined;
  private burying = 0;
  /** The server reads idle entries with new ones, as far as is known. */
  private readsIdle: boolean;
  private tickAt: number;
  private isDue = false;
  private readonly under = new Subscription();
  private readonly held: Subscription;
  private readonly inCallersContext = captured();

  constructor(
    private readonly settings: ConsumerSettings,
    private readonly handler: (entry: never) => unknown,
    private readonly parts: ConsumeParts,
    private readonly subscriber: Subscriber<ConsumeProgress>,
  ) {
    const { clock, ending, send, multi } = parts;
    // Not in the context of the handler whose end it tells: one command acknowledges many.
    const settle: ConsumeParts['settle'] = (command) =>
      new Observable((subscriber) => this.inCallersContext(() => parts.settle(command).subscribe(subscriber)));
    this.outage = new Outage(clock);
    this.inHand = new InHand(settings, { settle, clock });
    this.tally = new Tally(clock, (progress) => this.state !== 'over' && this.subscriber.next(progress));
    this.group = new ConsumerGroup(settings, send, parts.bytes);
    this.slots = new Slots<Consumed>({
      size: settings.concurrency,
      work: this.work,
      keyOf: settings.keyOf && ((entry) => settings.keyOf!(entry as never)),
      done: (entry) => this.succeeded(entry),
      failed: (entry, error) => this.hasFailed(entry, error),
    });
    this.acks = new Acknowledge(settings, {
      settle,
      clock,
      acknowledged: (ids) => this.acknowledged(ids),
      failed: (error) => this.fail(error),
    });
    this.pending = new Pending(settings, {
      send,
      multi,
      settle,
      room: () => this.slots.free,
      isOwn: (id) => this.inHand.knows(id),
      taken: (entry, deliveries, isClaimed) => {
        for (const since of this.waits) since.add(entry.id);
        this.take(entry, deliveries, isClaimed, clock.now());
      },
    });
    this.pending.recover();
    this.tickAt = clock.now();
    this.readsIdle = settings.claimIdle < Infinity;
    this.held = ending.holds({ finish: () => this.stop(), abandon: () => this.abandon() });
  }

  // Hot: once per entry.
  private readonly work = (entry: Consumed): unknown => {
    const { handling } = this.parts;
    const work = (): unknown => this.handler(entry as never);
    return this.inCallersContext(
      handling === undefined ? work : () => handling(textOf(this.settings.stream), entry as never, work),
    );
  };

  /** Asks for what there is room for. */
  goOn(): void {
    if (this.asking !== undefined || this.state !== 'consuming' || this.slots.free === 0) return;
    this.follow(this.ask());
  }

  private follow(asked$: Observable<unknown>): void {
    const asking = (this.asking = new Subscription());
    const observer = {
      error: (error: unknown) => {
        this.asking = undefined;
        this.hasTrouble(error);
      },
      complete: () => {
        this.asking = undefined;
        this.goOn();
      },
    };
    // The handler that has made room is over: what comes next is no part of it.
    asking.add(this.inCallersContext(() => asked$.subscribe(observer)));
  }

  private ask(): Observable<unknown> {
    return defer(() => this.next()).pipe(tap({ complete: () => this.outage.over() }));
  }

  private next(): Observable<unknown> {
    const { group, pending } = this;
    if (!group.isThere) return group.ensure();
    if (pending.isWalking) return pending.next();
    const now = this.parts.clock.now();
    if (now < this.tickAt) return this.read(this.tickAt - now);
    this.tickAt = now + Math.min(TICK, Math.max(1, this.settings.claimIdle / 2));
    this.inHand.forgetFailures();
    if (this.strayUntil === undefined) pending.claim();
    else {
      if (now >= this.strayUntil) this.strayUntil = undefined;
      pending.recover();
    }
    return group.look().pipe(tap({ complete: () => (this.tally.behind = group.lag) }));
  }

  /** New entries; where the server does so (Redis 8.4), idle ones as well, as soon as they are. */
  private read(longest: number): Observable<unknown> {
    const { stream, group, consumer, block, claimIdle } = this.settings;
    const BLOCK = Math.max(1, Math.ceil(Math.min(block, longest)));
    if (lacksClaim(this.parts.version?.())) this.readsIdle = false;
    const CLAIM = this.readsIdle ? Math.ceil(claimIdle) : undefined;
    const options = { COUNT: this.slots.free, BLOCK, CLAIM };
    const command = xreadgroup(group, consumer, new Map([[stream, '>']]), options);
    const since = new Set<string>();
    const take = (read: unknown): void => this.takeRead(entriesOf(read), since);
    this.waits.add(since);
    const over = (): void => {
      this.waits.delete(since);
      this.endIfDrained();
    };
    return this.parts.wait(command, take, over).pipe(
      map(take),
      catchError((error: unknown) => {
        // What was refused before it was sent waits nowhere.
        if (error instanceof RedisError && error.delivery === 'unsent') this.waits.delete(since);
        if (!this.readsIdle || !isKind(error, 'ERR')) throw error;
        this.readsIdle = false;
        return EMPTY;
      }),
    );
  }

  /** @param since what was taken over since it was asked: what comes late may have been found pending, and be done by now */
  private takeRead(entries: readonly GroupEntry<Text>[], since: ReadonlySet<string>): void {
    const last = entries.at(-1);
    if (last !== undefined && (last.deliveries ?? 0) === 0) this.group.hasDelivered(last.id);
    const now = this.parts.clock.now();
    for (const entry of entries) {
      const { deliveries = 0 } = entry;
      // What is being handled here may have become idle while the process was held up.
      if (entry.fields === null || this.inHand.has(entry.id) || since.has(entry.id)) continue;
      this.take(entry as Entry<Text>, deliveries + 1, deliveries > 0, now);
    }
  }

  // Hot: once per entry.
  private take(entry: Entry<Text>, deliveries: number, isClaimed: boolean, now: number): void {
    // What comes when all is over stays pending.
    if (this.state === 'over') return;
    if (isClaimed) this.tally.claimed++;
    this.inHand.add(entry.id, now);
    const consumed = entry as Consumed;
    const isDead = deliveries > this.settings.maxDeliveries;
    consumed.deliveries = isDead ? deliveries - 1 : deliveries;
    if (isDead) this.bury(consumed, undefined);
    else this.slots.give(consumed);
  }

  private succeeded({ id }: Consumed): void {
    // What is read next goes first: acknowledging has time.
    this.goOnSoon();
    this.acks.add(id);
  }

  private hasFailed(entry: Consumed, error: unknown): void {
    const { id, deliveries } = entry;
    this.tally.addFailure({ id, deliveries, error });
    if (deliveries >= this.settings.maxDeliveries) this.bury(entry, error);
    else this.inHand.leave(id);
    this.goOnSoon();
  }

  private bury(entry: Consumed, reason: unknown): void {
    const { id, deliveries } = entry;
    this.burying++;
    const buried$ = bury(this.parts, this.settings, entry, reason);
    const burying = this.inCallersContext(() =>
      buried$.subscribe({
        error: (error: unknown) => {
          this.burying--;
          this.inHand.leave(id);
          this.tally.addFailure({ id, deliveries, error });
          this.endIfDrained();
        },
        complete: () => {
          this.burying--;
          this.tally.dead++;
          this.inHand.delete(id);
          this.tally.tellSoon();
          this.endIfDrained();
        },
      }),
    );
    this.under.add(burying);
  }

  private acknowledged(ids: readonly string[]): void {
    this.tally.handled += ids.length;
    for (const id of ids) this.inHand.delete(id);
    this.tally.tell();
    this.endIfDrained();
  }

  private hasTrouble(error: unknown): void {
    if (this.state !== 'consuming') return;
    const isGroupLost = isKind(error, 'NOGROUP') && this.group.lose();
    if (!isGroupLost && !isOutage(error)) {
      this.fail(error);
      return;
    }
    // Entries may have been delivered with a reply that was lost.
    if (!isGroupLost) this.pending.recover();
    if (this.settings.claimIdle === Infinity) this.strayUntil = this.parts.clock.now() + 2 * TICK;
    this.follow(this.outage.pause());
  }

  private fail(error: unknown): void {
    if (!this.subscriber.closed) this.subscriber.error(error);
    this.stop();
    this.endIfDrained();
  }

  /** Other entries that end in this turn free slots as well. */
  private goOnSoon(): void {
    if (this.isDue) return;
    this.isDue = true;
    this.parts.clock.afterInput(() => {
      this.isDue = false;
      this.goOn();
      this.endIfDrained();
    });
  }

  /** Takes nothing more; ends when what is being handled is done. */
  stop(): void {
    if (this.state !== 'consuming') return;
    this.state = 'draining';
    this.asking?.unsubscribe();
    const { clock } = this.parts;
    const { drainTimeout } = this.settings;
    if (drainTimeout < Infinity) this.under.add(clock.schedule(() => this.abandon(), drainTimeout));
    this.endIfDrained();
  }

  private endIfDrained(): void {
    const isBusy = !this.slots.isIdle || this.burying > 0 || !this.acks.isIdle || this.waits.size > 0;
    if (this.state !== 'draining' || isBusy) return;
    this.end(this.settings.isNameMadeUp ? this.giveUpName() : EMPTY);
  }

  /** What is being handled is left, and stays pending. */
  private abandon(): void {
    if (this.state === 'over') return;
    this.slots.cut();
    this.acks.stop();
    this.end(EMPTY);
  }

  private end(last$: Observable<unknown>): void {
    this.tally.tellNews();
    this.state = 'over';
    this.inHand.stop();
    this.under.unsubscribe();
    this.asking?.unsubscribe();
    const over = (): void => {
      this.subscriber.complete();
      this.held.unsubscribe();
    };
    last$.subscribe({ error: over, complete: over });
  }

  /** With a consumer what is pending for it would go as well; a connection that was lost may still wait, and be given an entry at any time. */
  private giveUpName(): Observable<unknown> {
    const { stream, group, consumer } = this.settings;
    return this.parts.settle(evalScript(GIVE_UP, [stream], [group, consumer]));
  }
}

/** XREADGROUP has CLAIM from Redis 8.4 on; a server that does not tell its version is asked. */
function lacksClaim(version: string | undefined): boolean {
  if (version === undefined) return false;
  const [major = NaN, minor = NaN] = version.split('.').map(Number);
  return major < 8 || (major === 8 && minor < 4);
}

/** The entries of a reply to XREADGROUP of one stream. */
function entriesOf(read: unknown): readonly GroupEntry<Text>[] {
  if (read === null || read === undefined) return [];
  const streams = read instanceof Map ? [...(read as Map<Text, GroupEntry<Text>[]>).values()] : Object.values(read);
  return (streams as GroupEntry<Text>[][])[0] ?? [];
}

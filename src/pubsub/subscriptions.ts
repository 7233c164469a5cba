import { EMPTY, catchError, concat, defer, finalize, merge, tap, throwError, type Observable } from 'rxjs';
import { Command, type CommandSpec } from '../commands/command';
import { defineSpec } from '../commands/define-spec';
import type { ChannelKind } from '../commands/prefix';
import type { Send } from '../connection/resident';
import { ReplyError } from '../errors';
import { sentAs } from '../resp/binary-names';
import { hashSlot } from '../resp/hash-slot';
import { batchesOf, portionsOf } from './portions';
import { Topic, type Loss } from './topic';

/** Told when the server refuses for the moment: what was asked for is to be asked for again. */
export type OnMomentary = (error: ReplyError) => Observable<never>;

/** The three families of subscriptions that a server keeps apart. */
export type SubscriptionKind = ChannelKind;

const initials: Record<SubscriptionKind, string> = { channel: '', pattern: 'P', shard: 'S' };

/** The topics of one kind: what the Observers want, and what the server has been asked for. */
//  topics: observed, or idle for a while      asked: on the wire or confirmed      changed: perhaps not the same in both
//  reconcile() sends the difference, so a topic left and joined again while it is idle costs nothing
export class Subscriptions {
  private readonly topics = new Map<string, Topic>();
  /** When those of the idle topics are left that may still get an Observer, on the clock; the earliest first. */
  private readonly idleUntil = new Map<string, number>();
  private idle = 0;
  /** each with the number of the difference with which it was asked for last */
  private readonly asked = new Map<string, number>();
  private differences = 0;
  private readonly changed = new Set<string>();
  /** Refused for the moment: to be asked for again, but not with each change of another. */
  private readonly refusedNames = new Set<string>();
  /** The names of UNSUBSCRIBEs that are not confirmed yet, and may not even be sent; how often each. */
  private readonly leaving = new Map<string, number>();
  /** SUBSCRIBEs that are not confirmed yet. */
  private joining = 0;
  /** Batches of the last difference that are still to be sent. */
  private batchesLeft = 0;
  /** Names that the server has taken away by itself, or refuses since then: see `Removals`. */
  readonly taken = new Set<string>();
  private readonly subscribeSpec: CommandSpec;
  private readonly unsubscribeSpec: CommandSpec;

  /**
   * @param now the time on the clock
   * @param bySlot whether the names of a command have to belong to one slot
   * @param onTaken told when an earlier subscription is refused on a new link because its slot has moved
   */
  constructor(
    readonly kind: SubscriptionKind,
    private readonly now: () => number,
    private readonly bySlot: () => boolean = () => false,
    private readonly onTaken?: (key: string, send: Send) => void,
  ) {
    this.subscribeSpec = pubsubSpec(`${initials[kind]}SUBSCRIBE`);
    this.unsubscribeSpec = pubsubSpec(`${initials[kind]}UNSUBSCRIBE`);
  }

  /** Something is observed, or was a moment ago and is still subscribed to. */
  get listening(): boolean {
    return this.topics.size > 0;
  }

  /** Something is observed. */
  get wanted(): boolean {
    return this.topics.size > this.idle;
  }

  /** Something is observed of which the server has not confirmed yet that it is subscribed to. */
  get unconfirmed(): boolean {
    return this.joining > 0 || this.changed.size > 0 || this.refusedNames.size > 0;
  }

  /** How many names are observed. */
  get observed(): number {
    return this.topics.size - this.idle;
  }

  /** How many names are kept for any reason. */
  get size(): number {
    const { topics, asked, leaving, changed, refusedNames, taken } = this;
    return topics.size + asked.size + leaving.size + changed.size + refusedNames.size + taken.size;
  }

  /** Perhaps the server is to be asked for something. */
  get changes(): boolean {
    return this.changed.size > 0 && this.batchesLeft === 0;
  }

  get(key: string): Topic | undefined {
    return this.topics.get(key);
  }

  /** The topic of a name that is to be observed. */
  topic(key: string): Topic {
    let topic = this.topics.get(key);
    if (topic?.isIdle === true) {
      topic.isIdle = false;
      this.idle--;
      this.idleUntil.delete(key);
    }
    if (topic === undefined) {
      this.topics.set(key, (topic = new Topic(key)));
      this.changed.add(key);
      // Where the server has refused to end an earlier subscription, it is asked once more, so that it confirms this one.
      this.asked.delete(key);
    }
    return topic;
  }

  /**
   * An Observer has left a topic. When that was the last one, the topic is idle for a while if the server has been asked for it.
   * @param until when it is left, on the clock; no earlier than topics that were released before
   * @returns whether it is idle now
   */
  release(topic: Topic, until: number): boolean {
    const { key } = topic;
    if (topic.observed || topic.isIdle || this.topics.get(key) !== topic) return false;
    if (this.asked.has(key)) {
      topic.isIdle = true;
      this.idle++;
      this.idleUntil.set(key, until);
      return true;
    }
    this.drop(topic);
    this.changed.add(key);
    return false;
  }

  /** Idle topics whose time is up are to be left. Returns when that of the next is up, Infinity where there is none. */
  leaveIdle(now: number): number {
    for (const [key, until] of this.idleUntil) {
      if (until > now) return until;
      this.idleUntil.delete(key);
      this.changed.add(key);
    }
    return Infinity;
  }

  /**
   * Brings the server in line with the Observers; completes when it has answered. Costs what has changed since the last time. While
   * batches of an earlier difference are still to be sent it does nothing: they would overtake one another.
   */
  reconcile(send: Send, onMomentary: OnMomentary): Observable<unknown> {
    if (this.changed.size === 0 || this.batchesLeft > 0) return EMPTY;
    const joined: string[] = [];
    const left: string[] = [];
    for (const key of this.changed) {
      this.dropUnlessKept(key);
      const isWanted = this.topics.has(key) && !this.taken.has(key);
      if (isWanted === this.asked.has(key)) continue;
      if (isWanted) joined.push(key);
      else left.push(key);
    }
    this.changed.clear();
    const difference = ++this.differences;
    for (const key of joined) this.asked.set(key, difference);
    for (const key of left) this.asked.delete(key);
    return merge(
      this.inBatches(joined, (keys) => this.subscribe(keys, difference, send, onMomentary)),
      this.inBatches(left, (keys) => this.unsubscribe(keys, send, onMomentary)),
    );
  }

  /** What was refused for the moment is asked for with the next difference. */
  askForRefused(): void {
    for (const key of this.refusedNames) this.changed.add(key);
    this.refusedNames.clear();
  }

  /** The server has taken a subscription away by itself. Returns whether it is still wanted. */
  removed(key: string, loss: Loss): boolean {
    if (!this.asked.has(key) || this.leaving.has(key)) return false;
    this.topics.get(key)?.lose(loss);
    this.asked.delete(key);
    this.dropUnlessKept(key);
    if (!this.topics.has(key)) return false;
    this.taken.add(key);
    return true;
  }

  /** Asks once more for a subscription that was taken away. A refusal goes to `onRefused`. */
  askAgain(key: string, send: Send, onRefused: (error: ReplyError) => void): Observable<unknown> {
    return defer(() => {
      const difference = ++this.differences;
      this.asked.set(key, difference);
      const asked = send(new Command(this.subscribeSpec, [sentAs(key)], nothing));
      return asked.pipe(
        tap({
          complete: () => {
            this.taken.delete(key);
            this.confirmed([key], difference);
          },
        }),
      );
    }).pipe(
      catchError((error: unknown) => {
        if (!(error instanceof ReplyError)) throw error;
        this.asked.delete(key);
        onRefused(error);
        return EMPTY;
      }),
    );
  }

  /** Unsubscribes from everything; `forget` and `reconcile` restore it. */
  leave(send: Send): Observable<unknown> {
    const all = [...new Set([...this.asked.keys(), ...this.leaving.keys()])];
    // A refusal means that the server has taken the subscription away already.
    return this.inBatches(all, (keys) => this.askToLeave(keys, send).pipe(catchError(ignoreRefusal)));
  }

  /** Nothing that the server has confirmed stands any more, and nothing that it confirms from now on counts. */
  lost(loss: Loss): void {
    this.lose(loss);
    this.asked.clear();
  }

  /** Nothing that the server has confirmed stands any more. */
  lose(loss: Loss): void {
    for (const topic of this.topics.values()) topic.lose(loss);
  }

  /** The server has forgotten: the connection was lost, or is left for good. */
  forget(): void {
    this.asked.clear();
    this.leaving.clear();
    this.taken.clear();
    this.changed.clear();
    this.refusedNames.clear();
    this.batchesLeft = 0;
    for (const topic of this.topics.values()) {
      if (topic.isIdle) this.drop(topic);
      else this.changed.add(topic.key);
    }
  }

  /** Observers of a refused topic, and they alone, are told why. */
  refuse(key: string, error: unknown): void {
    const topic = this.topics.get(key);
    this.asked.delete(key);
    this.taken.delete(key);
    if (topic === undefined) return;
    this.drop(topic);
    topic.error(error);
  }

  /** Ends all topics: with an error, or with complete when there is none. */
  end(error?: unknown): void {
    const topics = [...this.topics.values()];
    this.topics.clear();
    this.idleUntil.clear();
    this.idle = 0;
    this.taken.clear();
    this.changed.clear();
    this.refusedNames.clear();
    for (const topic of topics) {
      if (error === undefined) topic.complete();
      else topic.error(error);
    }
  }

  /** An idle topic is kept while it may get an Observer, if the server has been asked for it. */
  private dropUnlessKept(key: string): void {
    const topic = this.topics.get(key);
    if (topic?.isIdle === true && !(this.idleUntil.has(key) && this.asked.has(key))) this.drop(topic);
  }

  /** What is asked for by itself delays what is published behind it, so no idle topic is. Returns whether it was one. */
  private giveUpIdle(key: string): boolean {
    if (this.topics.get(key)?.isIdle !== true) return false;
    this.asked.delete(key);
    this.dropUnlessKept(key);
    return true;
  }

  private drop(topic: Topic): void {
    const { key } = topic;
    this.topics.delete(key);
    this.taken.delete(key);
    this.refusedNames.delete(key);
    this.idleUntil.delete(key);
    if (topic.isIdle) this.idle--;
  }

  /**
   * A server refuses all names of a SUBSCRIBE when it refuses one, so those that are still observed are then asked for one by one. A refusal
   * does not count for names that were left and asked for again meanwhile.
   */
  private subscribe(
    keys: readonly string[],
    difference: number,
    send: Send,
    onMomentary: OnMomentary,
  ): Observable<unknown> {
    return defer(() => {
      this.joining++;
      return send(new Command(this.subscribeSpec, keys.map(sentAs), nothing)).pipe(finalize(() => this.joining--));
    }).pipe(
      tap({ complete: () => this.confirmed(keys, difference) }),
      catchError((error: unknown) => {
        if (!(error instanceof ReplyError)) throw error;
        const refused = keys.filter((key) => this.asked.get(key) === difference);
        if (error.repeatable) {
          for (const key of refused) {
            this.asked.delete(key);
            this.dropUnlessKept(key);
            if (this.topics.has(key)) this.refusedNames.add(key);
          }
          return onMomentary(error);
        }
        if (keys.length > 1) {
          const wanted = refused.filter((key) => !this.giveUpIdle(key));
          return merge(...wanted.map((key) => this.subscribe([key], difference, send, onMomentary)));
        }
        for (const key of refused) this.refused(key, error, send);
        return EMPTY;
      }),
    );
  }

  /** It does not count for names that were left and asked for again meanwhile, nor once the link is lost. */
  private confirmed(keys: readonly string[], difference: number): void {
    const now = this.now();
    for (const key of keys) {
      if (this.asked.get(key) === difference) this.topics.get(key)?.confirm(now);
    }
  }

  private refused(key: string, error: ReplyError, send: Send): void {
    const isTaken = error.kind === 'MOVED' && this.topics.get(key)?.wasConfirmed === true;
    if (!isTaken || this.onTaken === undefined) {
      this.refuse(key, error);
      return;
    }
    this.asked.delete(key);
    this.taken.add(key);
    this.onTaken(key, send);
  }

  private unsubscribe(keys: readonly string[], send: Send, onMomentary: OnMomentary): Observable<unknown> {
    for (const key of keys) this.leaving.set(key, (this.leaving.get(key) ?? 0) + 1);
    const confirmed = () => {
      for (const key of keys) {
        const left = (this.leaving.get(key) ?? 1) - 1;
        if (left === 0) this.leaving.delete(key);
        else this.leaving.set(key, left);
      }
    };
    return this.askToLeave(keys, send).pipe(
      finalize(confirmed),
      catchError((error: unknown) => {
        if (!(error instanceof ReplyError)) throw error;
        if (!error.repeatable) return EMPTY; // a message that comes all the same has no Observer
        for (const key of keys) {
          this.asked.set(key, ++this.differences);
          this.refusedNames.add(key);
        }
        return onMomentary(error);
      }),
    );
  }

  private askToLeave(keys: readonly string[], send: Send): Observable<unknown> {
    const sent = send(new Command(this.unsubscribeSpec, keys.map(sentAs), nothing));
    // A server that takes a shard subscription away by itself may answer that request as well, with an error behind the confirmation.
    return this.kind === 'shard' && this.bySlot() ? merge(sent, send(new Command(FENCE, [], nothing))) : sent;
  }

  /** Batch by batch: the next one is sent once the server has confirmed the last. */
  private inBatches(
    keys: readonly string[],
    ask: (keys: readonly string[]) => Observable<unknown>,
  ): Observable<unknown> {
    if (keys.length === 0) return EMPTY;
    const [first, ...others] = batchesOf(this.portions(keys)).map((batch) => merge(...batch.map(ask)));
    if (others.length === 0) return first!;
    this.batchesLeft += others.length;
    const next = (batch: Observable<unknown>) =>
      defer(() => {
        this.batchesLeft--;
        return batch;
      });
    return concat(first!, ...others.map(next));
  }

  /** The names of each command. */
  private portions(keys: readonly string[]): string[][] {
    if (!this.bySlot()) return portionsOf(keys);
    const slots = new Map<number, string[]>();
    for (const key of keys) {
      const slot = hashSlot(sentAs(key));
      const ofSlot = slots.get(slot);
      if (ofSlot === undefined) slots.set(slot, [key]);
      else ofSlot.push(key);
    }
    return [...slots.values()].flatMap(portionsOf);
  }
}

/** Its reply shows that all before it has been answered. */
const FENCE = defineSpec('PING', { effect: 'fence' });

function ignoreRefusal(error: unknown): Observable<never> {
  return error instanceof ReplyError ? EMPTY : throwError(() => error);
}

function pubsubSpec(name: string): CommandSpec {
  return defineSpec(name, { confirmation: name.toLowerCase() });
}

function nothing(): null {
  return null;
}

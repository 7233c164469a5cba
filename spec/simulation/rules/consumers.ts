import type { ConsumeProgress } from '../../../src/streams/consume-options';
import { keyOf, type Consumer, type Handling } from '../consumers';
import type { Link } from '../link';
import { compare } from '../stream-store';
import type { WireRequest } from '../wire';
import { PerName } from './per-name';
import type { Arrival, Rule, Scene } from './rule';
import { complaintOfEnd } from './stream-ends';
import { StuckAtReplica } from './stuck-at-replica';
import type { RemainsOf } from './stream-events';

/** So long a consumer that drains surely has time for what it handles; ms. */
const ENOUGH = 1_000;

/** An entry, and what has become of it. */
interface Consumed {
  readonly id: string;
  readonly addedAt: number;
  /** the consumers that it was delivered to */
  readonly deliveredTo: Set<string>;
  isDone: boolean;
  isDead: boolean;
  isGone: boolean;
  hasFailed: boolean;
}

/** What is known of one stream. */
interface ConsumedStream {
  readonly entries: Map<string, Consumed>;
  readonly consumers: Consumer[];
}

/** What is known of one consumer. */
interface Work {
  /** the last entry that it got as the first of all consumers */
  lastNew: string | undefined;
  /** how often it has handled something to its end */
  done: number;
  progress: ConsumeProgress | undefined;
  /** since when it takes nothing more: it was left, or has failed */
  endedAt: number;
  /** when the handling of each entry began that it is handling */
  readonly begunAt: Map<string, number>;
}

/**
 * Every entry is handled at least once, by no more at the same time than there may be, those of one key one after another; and acknowledged
 * when that is done, not before, or made a dead letter. What a consumer that lives is handling is not taken from it. What is being handled
 * when a consumer leaves is handled to its end and acknowledged.
 */
export class ConsumerRule implements Rule {
  private readonly streams = new PerName<ConsumedStream>(() => ({ entries: new Map(), consumers: [] }));
  private readonly works = new PerName<Work>(() => ({
    lastNew: undefined,
    done: 0,
    progress: undefined,
    endedAt: Infinity,
    begunAt: new Map(),
  }));
  private readonly consumers = new Map<string, Consumer>();
  /** since when nothing befalls the client */
  private calmAt = Infinity;
  private readonly replica: StuckAtReplica;

  constructor(private readonly scene: Scene) {
    this.replica = new StuckAtReplica(scene.settings);
  }

  written(link: Link, { words }: WireRequest): void {
    if (words[0] !== 'XREADGROUP' || link.lent) return;
    this.scene.journal.fail(`link ${link.index}: XREADGROUP waits on the connection of all others`);
  }

  arriving(_: Link, arrival: Arrival): undefined {
    this.replica.arriving(arrival);
  }

  entryAdded(name: string, id: string): void {
    const addedAt = this.scene.timeline.now();
    const facts = { isDone: false, isDead: false, isGone: false, hasFailed: false };
    this.streams.of(name).entries.set(id, { id, addedAt, deliveredTo: new Set(), ...facts });
  }

  entriesGone(name: string, ids: readonly string[]): void {
    for (const id of ids) {
      const entry = this.streams.of(name).entries.get(id);
      if (entry !== undefined) entry.isGone = true;
    }
  }

  entriesDelivered(name: string, ids: readonly string[], consumer: string): void {
    for (const id of ids) this.streams.of(name).entries.get(id)!.deliveredTo.add(consumer);
  }

  entryClaimed(_: string, id: string, from: string, to: string, idle: number): void {
    this.scene.journal.count(from === to ? 'entry recovered' : 'entry claimed');
    const [consumer, other] = [this.consumers.get(to)!, this.consumers.get(from)];
    if (from === to) return;
    if (idle < consumer.item.claimIdle)
      this.failFor(consumer, `took ${id} from ${from}, which had had it for ${idle} ms`);
    // Before that, it may have been kept from saying that it is still handling it.
    const begunAt = other === undefined ? undefined : this.works.of(from).begunAt.get(id);
    if (begunAt !== undefined && begunAt >= this.calmAt)
      this.failFor(consumer, `took ${id} from ${from}, which handles it`);
  }

  entriesAcknowledged(name: string, ids: readonly string[]): void {
    for (const id of ids) {
      const { isDone, isDead, isGone } = this.streams.of(name).entries.get(id)!;
      if (!isDone && !isDead && !isGone) this.scene.journal.fail(`${id} of ${name} was acknowledged and not handled`);
    }
  }

  deadLetterAdded(name: string, fields: readonly string[]): void {
    this.scene.journal.count('dead letter');
    const id = fields[fields.indexOf('dead-letter:id') + 1]!;
    const entry = this.streams.of(name.replace('Z:', 'Y:')).entries.get(id);
    if (entry === undefined) this.scene.journal.fail(`${id} became a dead letter of ${name}, and was never added`);
    else entry.isDead = true;
  }

  consumerAsked(consumer: Consumer): void {
    this.consumers.set(consumer.name, consumer);
    this.streams.of(consumer.stream).consumers.push(consumer);
  }

  handlingBegun(handling: Handling): void {
    const { consumer, id, number, deliveries } = handling;
    const { item, outcome, handlings, name } = consumer;
    const work = this.works.of(name);
    work.begunAt.set(id, this.scene.timeline.now());
    if (outcome?.kind === 'value') this.failFor(consumer, `handles ${id} although it has ended`);
    if (handlings.size > item.concurrency) this.failFor(consumer, `handles ${handlings.size} at the same time`);
    const others = [...handlings].filter((one) => one !== handling);
    if (item.keyed && others.some((one) => keyOf(one.number) === keyOf(number)))
      this.failFor(consumer, `handles ${id} beside another of its key`);
    if (others.some((one) => one.id === id)) this.failFor(consumer, `handles ${id} twice at the same time`);
    if (this.streams.of(consumer.stream).entries.get(id)?.deliveredTo.has(name) !== true)
      this.failFor(consumer, `handles ${id}, which was not delivered to it`);
    if (item.deadLetter !== undefined && deliveries > item.maxDeliveries)
      this.failFor(consumer, `handles ${id}, which was delivered ${deliveries} times`);
    if (deliveries > 1 || item.keyed) return;
    if (work.lastNew !== undefined && compare(id, work.lastNew) <= 0)
      this.failFor(consumer, `handles ${id} behind ${work.lastNew}`);
    work.lastNew = id;
  }

  handlingEnded({ consumer, id, outcome }: Handling): void {
    const work = this.works.of(consumer.name);
    work.begunAt.delete(id);
    const entry = this.streams.of(consumer.stream).entries.get(id);
    if (outcome === 'done') {
      work.done++;
      if (entry !== undefined) entry.isDone = true;
    } else if (outcome === 'failed' && entry !== undefined) entry.hasFailed = true;
    else if (outcome === 'left') this.checkLeft(consumer, id);
  }

  /** What is being handled is left only with the client, or when it has taken as long as it may. */
  private checkLeft(consumer: Consumer, id: string): void {
    const drained = this.scene.timeline.now() - this.works.of(consumer.name).endedAt;
    if (this.scene.around.over() || drained >= consumer.item.drainTimeout) return;
    this.failFor(consumer, `was handling ${id} and was cut off after ${drained} ms`);
  }

  progressTold(consumer: Consumer, progress: ConsumeProgress): void {
    const work = this.works.of(consumer.name);
    const { handled, failed, claimed, dead } = progress;
    if (handled > work.done) this.failFor(consumer, `says that it has handled ${handled}, not ${work.done}`);
    const before = work.progress;
    if (before !== undefined) {
      const hasShrunk =
        handled < before.handled || failed < before.failed || claimed < before.claimed || dead < before.dead;
      if (hasShrunk) this.failFor(consumer, 'has done less than before');
    }
    work.progress = progress;
  }

  consumerEnded(consumer: Consumer): void {
    this.works.of(consumer.name).endedAt = this.scene.timeline.now();
    const complaint = complaintOfEnd(consumer.outcome, false, this.scene);
    if (complaint !== undefined) this.failFor(consumer, complaint);
  }

  streamsCalmed(): void {
    this.calmAt = this.scene.timeline.now();
  }

  streamsRested(remains: RemainsOf): void {
    if (this.replica.isStuck) return;
    for (const consumer of this.consumers.values()) {
      if (consumer.outcome !== undefined) continue;
      this.scene.journal.count('consumer at rest');
      this.checkRest(consumer, remains);
    }
  }

  private checkRest(consumer: Consumer, remains: RemainsOf): void {
    const { stream: name, item } = consumer;
    const left = remains(name);
    if (left === undefined) {
      this.failFor(consumer, 'has no group');
      return;
    }
    if (left.undelivered > 0) this.failFor(consumer, `has not read ${left.undelivered} entries`);
    // Those of others are for ever theirs where nothing is ever claimed.
    const mine = left.pending.filter((one) => item.claimIdle < Infinity || one.consumer === consumer.name);
    for (const { id, consumer: other } of mine) this.failFor(consumer, `has left ${id} pending for ${other}`);
    const { entries, consumers } = this.streams.of(name);
    const isAll = consumers.every((one) => one.item.from === '0');
    const others = new Set(left.pending.map(({ id }) => id));
    for (const { id, isDone, isDead, isGone, addedAt } of entries.values()) {
      if (isDone || isDead || isGone || others.has(id) || (!isAll && addedAt < this.calmAt)) continue;
      this.failFor(consumer, `has not handled ${id}`);
    }
  }

  streamsConcluded(remains: RemainsOf): void {
    if (this.replica.isStuck) return;
    for (const consumer of this.consumers.values()) {
      const { leftAt, item, name, stream, handlings } = consumer;
      if (handlings.size > 0) this.failFor(consumer, `is handling ${handlings.size} entries although all is over`);
      if (leftAt === Infinity || leftAt < this.calmAt || item.drainTimeout < ENOUGH) continue;
      this.scene.journal.count('consumer drained');
      const { entries } = this.streams.of(stream);
      for (const { id, consumer: owner } of remains(stream)?.pending ?? [])
        if (owner === name && !entries.get(id)!.hasFailed)
          this.failFor(consumer, `has drained, and left ${id} pending`);
    }
  }

  private failFor({ id }: Consumer, violation: string): void {
    this.scene.journal.fail(`consumer ${id} ${violation}`);
  }
}

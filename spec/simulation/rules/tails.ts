import type { DisconnectReason } from '../../../src/connection/connection-state';
import type { Link } from '../link';
import { isOfStream } from '../stream-desk';
import { compare } from '../stream-store';
import { tailedStreams, type Tail, type TailedItem } from '../tails';
import { isBlocking, waitOf, type WireRequest } from '../wire';
import { PerName } from './per-name';
import type { Rule, Scene } from './rule';
import { complaintOfEnd } from './stream-ends';

/** An entry that was added to a stream. */
interface Logged {
  readonly id: string;
  readonly number: string;
  readonly addedAt: number;
  isGiven: boolean;
  /** why it is there no more, and which of all events that was */
  gone: { readonly why: 'trimmed' | 'deleted' | 'forgotten'; readonly order: number } | undefined;
}

interface Gap {
  readonly from: string;
  readonly to: string | null;
  readonly order: number;
}

/** A stream, as the one tail that reads it should see it. */
interface Tailed {
  /** by their ids, in their order */
  readonly log: Map<string, Logged>;
  readonly gaps: Gap[];
  /** the ids that the client was told as the last one */
  readonly told: Set<string>;
  /** the id behind which the tail began to read */
  begin: string | undefined;
  /** how many events there had been then */
  eventsBefore: number;
  last: string | undefined;
  isForgotten: boolean;
  /** the server has forgotten it, and nothing of what was added since then is read */
  isUnread: boolean;
}

/**
 * A tail brings each entry that is added behind its beginning once, in order, over all that befalls its connections. Where entries were gone
 * before they could be read it tells of a gap, and otherwise of none. `$` is an id before anything is read.
 */
export class TailRule implements Rule {
  private readonly streams = new PerName<Tailed>(() => ({
    log: new Map(),
    gaps: [],
    told: new Set(),
    begin: undefined,
    eventsBefore: 0,
    last: undefined,
    isForgotten: false,
    isUnread: false,
  }));
  private readonly tails = new Map<string, Tail>();
  private events = 0;

  constructor(private readonly scene: Scene) {}

  entryAdded(name: string, id: string, [, number]: readonly string[]): void {
    const addedAt = this.scene.timeline.now();
    this.streams.of(name).log.set(id, { id, number: number!, addedAt, isGiven: false, gone: undefined });
  }

  entriesGone(name: string, ids: readonly string[], why: 'trimmed' | 'deleted' | 'forgotten'): void {
    const stream = this.streams.of(name);
    this.events++;
    if (why === 'forgotten') this.forget(stream);
    // What comes and goes in a stream that is another one by now may look as if nothing had happened.
    const gone = { why: stream.isUnread ? 'forgotten' : why, order: this.events } as const;
    for (const id of ids) {
      const entry = stream.log.get(id);
      if (entry !== undefined) entry.gone = gone;
    }
  }

  /** What was gone before can be told by nothing any more. */
  private forget(stream: Tailed): void {
    stream.isForgotten = stream.isUnread = true;
    for (const entry of stream.log.values())
      if (!entry.isGiven && entry.gone !== undefined) entry.gone = { why: 'forgotten', order: this.events };
  }

  lastIdTold(name: string, id: string): void {
    this.streams.of(name).told.add(id);
  }

  tailAsked(tail: Tail): void {
    for (const name of tailedStreams(tail.item)) this.tails.set(name, tail);
  }

  written(link: Link, { words }: WireRequest): void {
    if (words[0] !== 'XREAD') return;
    if (words.includes('BLOCK') && !link.lent)
      this.fail(`link ${link.index}: XREAD waits on the connection of all others`);
    const behind = words.slice(words.indexOf('STREAMS') + 1);
    const names = behind.slice(0, behind.length / 2);
    names.forEach((name, index) => this.asked(name, behind[names.length + index]!));
  }

  private asked(name: string, id: string): void {
    const tail = this.tails.get(name)!;
    const stream = this.streams.of(name);
    if (id === '$') this.failFor(tail, 'reads behind $, which is not the same from one time to the next');
    if (stream.begin !== undefined) return;
    stream.begin = id;
    stream.eventsBefore = this.events;
    const isRight = tail.item.from === '0' ? id === '0-0' : stream.told.has(id);
    if (!isRight) this.failFor(tail, `begins behind ${id}`);
  }

  tailGiven(tail: Tail, { stream: name, id, number, gap }: TailedItem): void {
    const stream = this.streams.of(name);
    if (gap !== undefined) {
      this.checkGap(tail, stream, gap);
      stream.gaps.push({ ...gap, order: ++this.events });
      return;
    }
    const entry = stream.log.get(id!);
    if (entry === undefined) {
      this.failFor(tail, `brings ${id}, which was never added`);
      return;
    }
    const { last, begin } = stream;
    if (entry.isGiven) this.failFor(tail, `brings ${id} twice`);
    else if (compare(id!, last ?? begin ?? '0-0') <= 0) this.failFor(tail, `brings ${id} behind ${last ?? begin}`);
    if (number !== entry.number) this.failFor(tail, `brings ${id} with ${number}, not ${entry.number}`);
    entry.isGiven = true;
    stream.isUnread = false;
    stream.last = id!;
  }

  private checkGap(
    tail: Tail,
    { log, isForgotten }: Tailed,
    { from, to, reason }: NonNullable<TailedItem['gap']>,
  ): void {
    if (reason !== 'trimmed') {
      if (!isForgotten) this.failFor(tail, `tells that its stream was ${reason}`);
      return;
    }
    const gone = [...log.values()].filter((entry) => entry.gone !== undefined);
    // Servers that count nothing do not tell where entries were deleted.
    const isThere = (id: string) => compare(id, from) > 0 && (to === null || compare(id, to) < 0);
    const isTrue = this.scene.settings.streams === 6 ? gone.length > 0 : gone.some(({ id }) => isThere(id));
    if (!isTrue) this.failFor(tail, `tells of a gap from ${from} to ${to}, where nothing was trimmed`);
  }

  tailEnded(tail: Tail): void {
    const { outcome, item } = tail;
    const complaint = complaintOfEnd(outcome, item.ends === true, this.scene);
    if (complaint !== undefined) this.failFor(tail, complaint);
    if (outcome?.kind !== 'value' || this.scene.around.over()) return;
    for (const name of tailedStreams(item)) this.checkMissing(tail, name, tail.askedAt);
  }

  /** Its own time is over, and nothing can end it at the server. */
  reasonsToLeave({ oldest }: Link): readonly DisconnectReason[] {
    if (oldest === undefined || !isOfStream(oldest.words) || !isBlocking(oldest)) return [];
    const { timeline, settings } = this.scene;
    return timeline.now() >= oldest.writtenAt + waitOf(oldest) + settings.blockingGrace ? ['timeout'] : [];
  }

  streamsRested(): void {
    for (const [name, tail] of this.tails) {
      if (tail.outcome !== undefined) continue;
      this.scene.journal.count('tail at rest');
      this.checkMissing(tail, name, Infinity);
    }
  }

  /** @param until when the last entry was added that is looked for */
  private checkMissing(tail: Tail, name: string, until: number): void {
    const stream = this.streams.of(name);
    const { begin } = stream;
    if (begin === undefined) {
      this.failFor(tail, `has not begun to read ${name}`);
      return;
    }
    for (const entry of stream.log.values()) {
      if (entry.isGiven || entry.addedAt >= until || compare(entry.id, begin) <= 0) continue;
      if (!this.mayBeMissing(tail, stream, entry)) this.failFor(tail, `has not brought ${entry.id} of ${name}`);
    }
  }

  private mayBeMissing({ item }: Tail, stream: Tailed, { id, gone }: Logged): boolean {
    if (gone === undefined) return false;
    if (gone.why === 'forgotten') return true;
    // Of a stream that is gone with its entries `$` means its beginning, and they were gone before that was asked.
    if (item.from === '$' && gone.order <= stream.eventsBefore) return true;
    const { gaps, isForgotten, log, begin } = stream;
    const isTold = gaps.some(
      ({ from, to, order }) => order > gone.order && compare(from, id) < 0 && (to === null || compare(id, to) < 0),
    );
    if (isTold) return true;
    const isFirst = ![...log.values()].some((other) => other.isGiven && compare(other.id, id) < 0);
    // In front of the first entry that there is, nothing is missed.
    if (isFirst && item.from === '0') return true;
    // Servers that count nothing do not tell whether another one was there, nor whether the stream is the same.
    return this.scene.settings.streams === 6 && (isForgotten || (isFirst && begin === '0-0'));
  }

  private failFor({ id }: Tail, violation: string): void {
    this.fail(`tail ${id} ${violation}`);
  }

  private fail(violation: string): void {
    this.scene.journal.fail(violation);
  }
}

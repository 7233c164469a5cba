import type { Key } from '../commands/arguments';
import type { Dictionary, Entry, StreamInfo } from '../commands/replies/types';
import { BEFORE_ALL, LAST, compareIds } from './stream-ids';
import type { TailGap, TailItem } from './tail-options';

type Text = string | Buffer;

/** An entry as `tail` gives it. */
class Added {
  readonly type = 'entry';
  readonly id: string;
  readonly fields: Dictionary<Text, Text>;
  readonly #entry: Entry<Text>;

  constructor(
    readonly stream: Text,
    entry: Entry<Text>,
  ) {
    this.id = entry.id;
    this.fields = entry.fields;
    this.#entry = entry;
  }

  get pairs(): [Text, Text][] {
    return this.#entry.pairs;
  }
}

/** What the server said of a stream when it was read. As long as it is the same stream, each of these only grows. */
interface Known {
  readonly last: string;
  /** its first entry; undefined while it has none */
  readonly first: string | undefined;
  /** how many entries it has ever had; undefined before Redis 7.0 */
  readonly added: number | undefined;
  /** the highest id that XDEL has taken out; undefined before Redis 7.0. Trimming leaves it as it is */
  readonly deleted: string | undefined;
}

/** What there is behind a position, and the stream in the same moment. */
interface Read {
  readonly entries: readonly Entry<Text>[];
  /** more may follow them */
  readonly isPart: boolean;
  readonly info: StreamInfo;
}

type Missed = Pick<TailGap, 'from' | 'to' | 'reason'>;

/** How far one stream has come, and what may have been missed of it. */
export class Position {
  /** Nothing more is wanted of it. */
  isDone = false;
  /** What is there is wanted from the first entry on, so nothing in front of that is missed. */
  private isBeginning: boolean;
  /** What the server said of it last; undefined while there is no such stream. */
  private known: Known | undefined;
  /** Where it was when it last had all there was, and how many entries the stream had ever had up to there; undefined where that is not known. */
  private counted: { readonly id: string; readonly added: number } | undefined;
  /** How many entries have come since. */
  private since = 0;
  /** How many entries up to here are still in the stream, at the most; undefined where that is not known. */
  private kept: number | undefined;

  /**
   * @param stream its name as it is told
   * @param id the last one that has come, or behind which it begins; `$` until it is known
   * @param until behind it no more is wanted
   */
  constructor(
    readonly key: Key,
    private readonly stream: Text,
    public id: string,
    private until: string | undefined,
  ) {
    this.isBeginning = id === BEFORE_ALL;
  }

  /** It is not known yet what `$` means. */
  get isOpen(): boolean {
    return this.id === LAST || this.until === LAST;
  }

  /** `$` is what it means now. */
  begin(info: StreamInfo | undefined): void {
    const last = info?.['last-generated-id'] ?? BEFORE_ALL;
    if (this.id === LAST) {
      this.id = last;
      this.hasAll(info);
    }
    if (this.until === LAST) this.until = last;
    this.known = info && knownOf(info);
  }

  /**
   * Takes in what was read behind it, and what the server says of the stream in the same moment.
   * @param isPart more may follow
   * @param info undefined where there is no such stream
   * @returns what that brings
   */
  take(entries: readonly Entry<Text>[], isPart: boolean, info: StreamInfo | undefined): readonly TailItem<Text>[] {
    const { stream } = this;
    const missed = info === undefined ? this.withoutStream() : this.missed({ entries, isPart, info });
    // In front of the first entry that there is, nothing is missed.
    const added = info?.['entries-added'];
    if (this.isBeginning && info !== undefined && added !== undefined) this.stands(true, 0, added - info.length);
    const items: TailItem<Text>[] = missed === undefined ? [] : [{ type: 'gap', stream, ...missed }];
    for (const entry of entries) {
      if (this.until !== undefined && compareIds(entry.id, this.until) > 0) {
        this.isDone = true;
        return items;
      }
      items.push(new Added(stream, entry));
      this.id = entry.id;
      this.isBeginning = false;
    }
    this.since += entries.length;
    if (this.kept !== undefined) this.kept += entries.length;
    const isAll = !isPart && info !== undefined;
    const last = isAll ? info['last-generated-id'] : this.id;
    if (isAll) this.hasAll(info);
    // Ids only grow: once the stream has one as large, nothing before it can be added.
    if (this.until !== undefined && compareIds(last, this.until) >= 0) this.isDone = true;
    return items;
  }

  /** How many entries the stream had ever had up to here; undefined where that is not known. */
  private get count(): number | undefined {
    return this.counted && this.counted.added + this.since;
  }

  /** All there is has come. Where it begins behind an id that is still to come, entries up to there are still added. */
  private hasAll(info: StreamInfo | undefined): void {
    const last = info?.['last-generated-id'] ?? BEFORE_ALL;
    const isUpToDate = compareIds(last, this.id) >= 0;
    if (isUpToDate) this.id = last;
    this.stands(isUpToDate, info?.length ?? 0, info === undefined ? 0 : info['entries-added']);
  }

  /** It goes on behind what was missed. Where all there is comes behind it, the rest is known again. */
  private goesOn({ first }: Known, { length, 'entries-added': added }: StreamInfo): void {
    const isInFront = first === undefined || compareIds(first, this.id) > 0;
    this.stands(isInFront, 0, added === undefined ? undefined : added - length);
  }

  private stands(isKnown: boolean, kept: number, added: number | undefined): void {
    this.counted = isKnown && added !== undefined ? { id: this.id, added } : undefined;
    this.since = 0;
    this.kept = isKnown ? kept : undefined;
  }

  /** There is no such stream: whatever comes now is of another one. */
  private withoutStream(): Missed | undefined {
    const { known, id: from } = this;
    this.known = undefined;
    if (known === undefined) return undefined;
    this.id = BEFORE_ALL;
    this.hasAll(undefined);
    return { from, to: null, reason: 'deleted' };
  }

  private missed(read: Read): Missed | undefined {
    const { known, id: from } = this;
    const { info } = read;
    const now = (this.known = knownOf(info));
    let to = read.entries[0]?.id ?? null;
    let reason: TailGap['reason'];
    if (known !== undefined && compareIds(now.last, known.last) < 0) {
      if (compareIds(now.last, from) < 0) this.id = now.last;
      to = this.id;
      reason = 'reset';
    } else if (known !== undefined && this.isAnother(known, now, read)) reason = 'deleted';
    else if (!this.isBeginning && this.isTrimmed(now, info.length)) reason = 'trimmed';
    else return this.isBetween(now, read);
    this.goesOn(now, info);
    return { from, to, reason };
  }

  /** Whether the stream was deleted and filled again, as far as that shows. */
  private isAnother(known: Known, now: Known, { entries, isPart, info: { length } }: Read): boolean {
    if (
      known.added !== undefined &&
      (now.added ?? Infinity) < Math.max(known.added, this.leastAdded(now, entries, length))
    )
      return true;
    if (known.deleted !== undefined && now.deleted !== undefined && compareIds(now.deleted, known.deleted) < 0)
      return true;
    // Nothing is ever added in front of what was there, so its first entry stays or goes.
    const { first } = known;
    if (first !== undefined && now.first !== undefined && compareIds(now.first, first) < 0) return true;
    if (isPart || this.kept === undefined) return false;
    const isFirstGone = first !== undefined && first !== now.first && compareIds(first, this.id) <= 0;
    return length - entries.length > this.kept - (isFirstGone ? 1 : 0);
  }

  /** How many entries the stream has ever had at least, if it is still the same one. */
  private leastAdded({ first }: Known, entries: readonly unknown[], length: number): number {
    return (this.count ?? 0) + (first !== undefined && compareIds(first, this.id) > 0 ? length : entries.length);
  }

  /** Whether something may have been there behind the position and in front of the first entry. */
  private isTrimmed({ first, last, added }: Known, length: number): boolean {
    if (compareIds(first ?? last, this.id) <= 0) return false;
    // Before Redis 7.0 nothing is counted. Of a stream that was not there, its first entry is taken for the first there was.
    if (added === undefined) return first === undefined || this.id !== BEFORE_ALL;
    // All that are there stand behind the position.
    return added - length > (this.count ?? 0);
  }

  /** Whether something was there between entries that still are, or behind them: it shows when all the others have come. */
  private isBetween({ first, last, added }: Known, { entries, isPart }: Read): Missed | undefined {
    const { counted, count } = this;
    if (isPart || counted === undefined || count === undefined || first === undefined || added === undefined)
      return undefined;
    if (compareIds(first, this.id) > 0 || added - count <= entries.length) return undefined;
    return { from: counted.id, to: entries.at(-1)?.id === last ? last : null, reason: 'trimmed' };
  }
}

function knownOf(info: StreamInfo): Known {
  return {
    last: info['last-generated-id'],
    first: info['first-entry']?.id,
    added: info['entries-added'],
    deleted: info['max-deleted-entry-id'],
  };
}

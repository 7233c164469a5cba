import { EMPTY, catchError, defer, map, mergeMap, of, tap, type Observable } from 'rxjs';
import type { Key } from '../commands/arguments';
import type { Command } from '../commands/command';
import { xinfoStream, xread } from '../commands/generated/builders';
import type { Dictionary, Entry, StreamInfo } from '../commands/replies/types';
import type { Clock } from '../connection/clock';
import type { Ending } from '../demand/ending';
import { PullStream } from '../demand/pull-stream';
import type { ValueSource } from '../demand/pulling';
import { checkedSignal, workOf } from '../demand/stream-options';
import { ReplyError } from '../errors';
import { asBuffer } from '../resp/strings';
import { Outage } from './outage';
import { BEFORE_ALL, LAST, compareIds } from './stream-ids';
import { nameOf, tailOf, type Start, type TailGap, type TailItem } from './tail-options';

type Text = string | Buffer;

/** What a tail needs of its client. */
export interface TailParts {
  /** sends a command; one that waits at the server, on a connection of its own */
  readonly ask: <T>(command: Command<T>) => Observable<T>;
  /** sends commands as a transaction; errors stand in their places */
  readonly multi: (commands: readonly Command[]) => Observable<readonly unknown[]>;
  /** texts come as bytes */
  readonly bytes: boolean;
  readonly ending: Ending;
  readonly clock: Clock;
}

/** How long one wait at the server lasts, ms: the longer, the later a connection is found dead that says nothing. */
const WAIT = 5_000;

/**
 * The entries of streams as they are added: see `tail` of the client.
 * @throws TypeError that names what is wrong, before anything is sent
 */
export function tail(parts: TailParts, streams: unknown, given: unknown = {}): PullStream<unknown> {
  const { starts, batch, until } = tailOf(streams, given, parts.bytes);
  const { signal, project, concurrency } = given as { readonly [name: string]: unknown };
  const work = workOf<TailItem<Text>, unknown>('tail', { project, concurrency });
  const open = (): Tail => new Tail(parts, starts, batch, until);
  return PullStream.of({ open, work, signal: checkedSignal(signal), ending: parts.ending });
}

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

/** One stream, and how far it has come. */
interface Position {
  readonly key: Key;
  /** its name as it is told */
  readonly stream: Text;
  /** the last id that has come, or behind which it begins; `$` until it is known */
  id: string;
  /** how many entries the stream had ever had up to there, deleted ones included; undefined where that is not known */
  count: number | undefined;
  /** what is there is wanted from the first entry on, so nothing in front of that is missed */
  isBeginning: boolean;
  /** behind it no more is wanted */
  until: string | undefined;
  /** what the server said of it last; undefined while there is no such stream */
  known: { readonly last: string; readonly added: number | undefined } | undefined;
  isDone: boolean;
}

type Read = Dictionary<Text, Entry<Text>[]> | null;

/** The entries of several streams, each from a position on. */
//  where does it begin? ──▶ read ──full page──▶ read ──▶ …
//                             ▲ │ no more for now
//                             │ ▼
//                            wait at the server
//
// Only XREAD without BLOCK goes into a transaction, and only a transaction tells of one moment what there is to read and what was trimmed. So
// what ends the wait is read once more.
class Tail implements ValueSource<TailItem<Text>> {
  private readonly positions: readonly Position[];
  private readonly outage: Outage;
  private state: 'unknown' | 'reading' | 'waiting' = 'unknown';
  /** What was read and not yet asked for. */
  private items: TailItem<Text>[] = [];
  private given = 0;

  constructor(
    private readonly parts: TailParts,
    starts: readonly Start[],
    private readonly batch: number,
    until: string | undefined,
  ) {
    this.outage = new Outage(parts.clock);
    this.positions = starts.map(({ key, from }) => ({
      key,
      stream: told(key, parts.bytes),
      id: from,
      count: undefined,
      isBeginning: from === BEFORE_ALL,
      until,
      known: undefined,
      isDone: false,
    }));
  }

  get isDone(): boolean {
    return this.given >= this.items.length && this.positions.every(({ isDone }) => isDone);
  }

  next(): Observable<TailItem<Text>> {
    return this.given < this.items.length ? of(this.take()) : this.step();
  }

  private take(): TailItem<Text> {
    const item = this.items[this.given]!;
    if (++this.given === this.items.length) {
      this.items = [];
      this.given = 0;
    }
    return item;
  }

  private step(): Observable<TailItem<Text>> {
    const asked$ = defer(() => {
      if (this.state === 'unknown') return this.begin();
      return this.state === 'reading' ? this.read() : this.wait();
    });
    return asked$.pipe(
      tap(() => this.outage.over()),
      catchError((error: unknown) => this.afterwards(error)),
      mergeMap(() => (this.given < this.items.length ? of(this.take()) : EMPTY)),
    );
  }

  /** What is there is read before the server is waited at again. */
  private afterwards(error: unknown): Observable<never> {
    if (this.state === 'waiting') this.state = 'reading';
    return this.outage.after(error);
  }

  /** `$` is what it means now, also after a lost connection. */
  private begin(): Observable<unknown> {
    const open = this.positions.filter(({ id, until }) => id === LAST || until === LAST);
    const asked$ =
      open.length === 0 ? of([]) : this.parts.multi(open.map(({ key }) => xinfoStream(key) as Command<StreamInfo>));
    return asked$.pipe(
      map((answers) => {
        open.forEach((position, index) => {
          const info = infoOf(answers[index]);
          const last = info?.['last-generated-id'] ?? BEFORE_ALL;
          if (position.id === LAST) {
            position.id = last;
            position.count = info === undefined ? 0 : info['entries-added'];
          }
          if (position.until === LAST) position.until = last;
          if (info !== undefined) position.known = { last, added: info['entries-added'] };
        });
        this.state = 'reading';
      }),
    );
  }

  private get active(): Position[] {
    return this.positions.filter(({ isDone }) => !isDone);
  }

  private wait(): Observable<unknown> {
    const from = new Map(this.active.map(({ key, id }) => [key, id]));
    return this.parts.ask(xread(from, { COUNT: 1, BLOCK: WAIT })).pipe(tap(() => (this.state = 'reading')));
  }

  private read(): Observable<unknown> {
    const { active, batch } = this;
    const from = new Map(active.map(({ key, id }) => [key, id]));
    const infos = active.map(({ key }) => xinfoStream(key) as Command<StreamInfo>);
    return this.parts.multi([xread(from, { COUNT: batch }), ...infos]).pipe(
      map(([read, ...answers]) => {
        if (read instanceof ReplyError) throw read;
        // All are looked at before any has moved: an error then changes nothing.
        const found = answers.map(infoOf);
        const byName = entriesByName(read as Read);
        let isMore = false;
        active.forEach((position, index) => {
          const entries = byName.get(nameOf(position.key, this.parts.bytes)) ?? [];
          this.advance(position, entries, found[index]);
          isMore ||= entries.length >= batch;
        });
        this.state = isMore ? 'reading' : 'waiting';
      }),
    );
  }

  private advance(position: Position, entries: readonly Entry<Text>[], info: StreamInfo | undefined): void {
    this.items.push(...gapsOf(position, entries, info));
    const { stream, until } = position;
    // In front of the first entry that there is, nothing is missed.
    if (position.isBeginning && info?.['entries-added'] !== undefined)
      position.count = info['entries-added'] - info.length;
    for (const entry of entries) {
      if (until !== undefined && compareIds(entry.id, until) > 0) {
        position.isDone = true;
        return;
      }
      this.items.push(new Added(stream, entry));
      position.id = entry.id;
      position.isBeginning = false;
    }
    const isAll = entries.length < this.batch && info !== undefined;
    if (isAll) position.count = info['entries-added'];
    else if (position.count !== undefined) position.count += entries.length;
    // Ids only grow: once the stream has one as large, nothing before it can be added.
    const last = isAll ? info['last-generated-id'] : position.id;
    if (until !== undefined && compareIds(last, until) >= 0) position.isDone = true;
  }
}

/** What may have been missed; moves the position to where it goes on. */
function gapsOf(position: Position, entries: readonly Entry<Text>[], info: StreamInfo | undefined): TailGap<Text>[] {
  const { known, id, stream } = position;
  const next = entries[0]?.id ?? null;
  const gap = (reason: TailGap['reason'], to: string | null): TailGap<Text>[] => [
    { type: 'gap', stream, from: id, to, reason },
  ];
  if (info === undefined) {
    position.known = undefined;
    if (known === undefined) return [];
    // Whatever comes now is of another stream.
    position.id = BEFORE_ALL;
    position.count = 0;
    return gap('deleted', null);
  }
  const last = info['last-generated-id'];
  const added = info['entries-added'];
  position.known = { last, added };
  if (known !== undefined && compareIds(last, known.last) < 0) {
    if (compareIds(last, id) < 0) position.id = last;
    position.count = 0;
    return gap('reset', position.id);
  }
  if (known?.added !== undefined && (added ?? Infinity) < Math.max(known.added, leastAdded(position, entries, info))) {
    position.count = 0;
    return gap('deleted', next);
  }
  const isTrimmed = !position.isBeginning && isGone(position, info);
  if (next === null && compareIds(last, id) > 0) position.id = last;
  return isTrimmed ? gap('trimmed', next) : [];
}

/** How many entries the stream has ever had at least, if it is still the same one. */
function leastAdded({ id, count = 0 }: Position, entries: readonly unknown[], info: StreamInfo): number {
  const first = info['first-entry']?.id;
  return count + (first !== undefined && compareIds(first, id) > 0 ? info.length : entries.length);
}

/** Whether something may have been there behind a position and in front of the first entry. */
function isGone({ id, count }: Position, info: StreamInfo): boolean {
  const first = info['first-entry']?.id;
  if (first !== undefined && compareIds(first, id) <= 0) return false;
  if (first === undefined && compareIds(info['last-generated-id'], id) <= 0) return false;
  const { length, 'entries-added': added } = info;
  // Before Redis 7.0 nothing is counted. Of a stream that was not there, its first entry is taken for the first there was.
  if (added === undefined) return first === undefined || id !== BEFORE_ALL;
  // All that are there stand behind the position.
  return added - length > (count ?? 0);
}

/** The name of a stream in the form in which texts come. */
function told(key: Key, bytes: boolean): Text {
  if (bytes) return typeof key === 'string' ? Buffer.from(key) : asBuffer(key);
  return typeof key === 'string' ? key : asBuffer(key).toString();
}

/** @throws ReplyError when the server refuses to tell; it has none of a stream that is not there */
function infoOf(answer: unknown): StreamInfo | undefined {
  if (!(answer instanceof ReplyError)) return answer as StreamInfo;
  if (answer.kind === 'ERR' && /no such key/i.test(answer.message)) return undefined;
  throw answer;
}

function entriesByName(read: Read): Map<string, Entry<Text>[]> {
  if (read === null) return new Map();
  const streams = read instanceof Map ? [...read] : Object.entries(read);
  return new Map(streams.map(([name, entries]) => [nameOf(name, true), entries as Entry<Text>[]]));
}

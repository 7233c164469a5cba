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
import { isKeyMissing } from './refused';
import { nameOf, tailOf, type Start, type TailItem } from './tail-options';
import { Position } from './tail-position';

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
    this.positions = starts.map(({ key, from }) => new Position(key, told(key, parts.bytes), from, until));
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
    const open = this.positions.filter(({ isOpen }) => isOpen);
    const asked$ =
      open.length === 0 ? of([]) : this.parts.multi(open.map(({ key }) => xinfoStream(key) as Command<StreamInfo>));
    return asked$.pipe(
      map((answers) => {
        open.forEach((position, index) => position.begin(infoOf(answers[index])));
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
          const isPart = entries.length >= batch;
          // One by one: a batch may have more than a call takes arguments.
          for (const item of position.take(entries, isPart, found[index])) this.items.push(item);
          isMore ||= isPart;
        });
        this.state = isMore ? 'reading' : 'waiting';
      }),
    );
  }
}

/** The name of a stream in the form in which texts come. */
function told(key: Key, bytes: boolean): Text {
  if (bytes) return typeof key === 'string' ? Buffer.from(key) : asBuffer(key);
  return typeof key === 'string' ? key : asBuffer(key).toString();
}

/** @throws ReplyError when the server refuses to tell; it has none of a stream that is not there */
function infoOf(answer: unknown): StreamInfo | undefined {
  if (!(answer instanceof ReplyError)) return answer as StreamInfo;
  if (isKeyMissing(answer)) return undefined;
  throw answer;
}

function entriesByName(read: Read): Map<string, Entry<Text>[]> {
  if (read === null) return new Map();
  const streams = read instanceof Map ? [...read] : Object.entries(read);
  return new Map(streams.map(([name, entries]) => [nameOf(name, true), entries as Entry<Text>[]]));
}

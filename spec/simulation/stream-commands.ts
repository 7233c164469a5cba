import type { StreamVersion } from './plan';
import * as resp from './resp';
import { asEntry, asGroups, asInfo, asPending, asStreams } from './stream-replies';
import { Group, StoredStream, compare, type StoredEntry } from './stream-store';

/** What commands need of the server. */
interface Serving {
  now(): number;
  fail(violation: string): void;
  readonly tell: StreamWatcher;
}

/** Hears what becomes of the entries of streams. */
export interface StreamWatcher {
  /** another client has added an entry */
  entryAdded(stream: string, id: string, fields: readonly string[]): void;
  /** entries are there no more: the oldest were trimmed, the client has deleted them, or the server has lost its memory */
  entriesGone(stream: string, ids: readonly string[], why: 'trimmed' | 'deleted' | 'forgotten'): void;
  /** entries were delivered to a consumer, for the first time or once more */
  entriesDelivered(stream: string, ids: readonly string[], consumer: string): void;
  /** a consumer takes an entry over that was not acknowledged for so long, ms */
  entryClaimed(stream: string, id: string, from: string, to: string, idle: number): void;
  /** entries were acknowledged that were pending */
  entriesAcknowledged(stream: string, ids: readonly string[]): void;
  /** the client has added an entry to a stream, with these fields */
  deadLetterAdded(stream: string, fields: readonly string[]): void;
  /** the client was told the last id of a stream */
  lastIdTold(stream: string, id: string): void;
}

/** What the group of a stream has not done with. */
export interface Remains {
  readonly pending: readonly { readonly id: string; readonly consumer: string }[];
  readonly undelivered: number;
}

/** The first id: as large as those of a real server. */
const BEGINNING = 1_000_000;
const NO_KEY = 'ERR no such key';

/** The streams of a server and their consumer groups, and what commands do with them and are answered. None of them waits. */
export class StreamCommands {
  private streams = new Map<string, StoredStream>();
  private latest: readonly [ms: number, seq: number] = [0, 0];

  constructor(
    private readonly version: StreamVersion,
    private readonly serving: Serving,
  ) {}

  /** The memory of the server is lost. */
  restart(): void {
    for (const [name, { entries }] of this.streams) {
      const ids = entries.map(({ id }) => id);
      this.serving.tell.entriesGone(name, ids, 'forgotten');
    }
    this.streams = new Map();
  }

  /** Another client leaves so many of the newest entries. */
  trim(name: string, kept: number): void {
    const stream = this.streams.get(name);
    if (stream === undefined) return;
    const ids = stream.entries.slice(0, Math.max(0, stream.entries.length - kept)).map(({ id }) => id);
    this.serving.tell.entriesGone(name, stream.delete(ids), 'trimmed');
  }

  /** A consumer of another client reads new entries, and is never heard of again. */
  steal(name: string, group: string, count: number): void {
    const found = this.streams.get(name)?.groups.get(group);
    if (found !== undefined) this.readNew(name, found, 'stolen', count);
  }

  /** The id of the last entry of a stream. */
  lastId(name: string): string | undefined {
    return this.streams.get(name)?.last;
  }

  /** What is pending in a group, and how many entries it has not delivered; undefined where there is no such group. */
  remains(name: string, group: string): Remains | undefined {
    const stream = this.streams.get(name);
    const found = stream?.groups.get(group);
    if (stream === undefined || found === undefined) return undefined;
    const pending = [...found.pending].map(([id, { consumer }]) => ({ id, consumer }));
    return { pending, undelivered: stream.behind(found.last).length };
  }

  /** Another client adds an entry. */
  add(name: string, fields: readonly string[]): void {
    const id = this.append(name, fields);
    this.serving.tell.entryAdded(name, id, fields);
  }

  /** What a command is answered; undefined where there is nothing, so that one that may wait does. */
  replyTo(protocol: 2 | 3, words: readonly string[]): string | undefined {
    const [name, first, second] = words;
    switch (name) {
      case 'XADD':
        return this.addDeadLetter(first!, second!, words.slice(3));
      case 'XREAD':
        return this.read(protocol, words);
      case 'XREADGROUP':
        return this.readGroup(protocol, words);
      case 'XACK':
        return resp.integer(this.acknowledge(first!, second!, words.slice(3)));
      case 'XACKDEL':
        return this.acknowledgeAndDelete(words);
      case 'XDEL':
        return resp.integer(this.delete(first!, words.slice(2)));
      case 'XGROUP':
        return this.createGroup(words);
      case 'XINFO':
        return first === 'STREAM' ? this.info(protocol, second!) : this.groups(protocol, second!);
      case 'XPENDING':
        return this.pending(words);
      case 'XCLAIM':
        return this.claim(protocol, words);
      case 'XRANGE': {
        const found = this.streams.get(first!)?.entries.filter(({ id }) => id === second) ?? [];
        return resp.array(found.map((entry) => asEntry(entry)));
      }
      default:
        this.serving.fail(`the server got ${words.join(' ').slice(0, 60)}, which nobody has sent`);
        return resp.error('ERR unknown command');
    }
  }

  private read(protocol: 2 | 3, words: readonly string[]): string | undefined {
    const behind = words.slice(words.indexOf('STREAMS') + 1);
    const names = behind.slice(0, behind.length / 2);
    const count = numberBehind(words, 'COUNT')!;
    const found = names.map((name, index) => {
      const from = behind[names.length + index]!;
      return [name, this.streams.get(name)?.behind(from).slice(0, count) ?? []] as const;
    });
    const some = found.filter(([, entries]) => entries.length > 0);
    return some.length === 0
      ? undefined
      : asStreams(
          protocol,
          some.map(([name, entries]) => [name, entries.map((entry) => asEntry(entry))]),
        );
  }

  private readGroup(protocol: 2 | 3, words: readonly string[]): string | undefined {
    const [name, , consumer] = [words.at(-2)!, words[2]!, words[3]!];
    const group = this.groupOf(words);
    if (group === undefined) return noGroup(name, words[2]!, ' in XREADGROUP with GROUP option');
    const least = numberBehind(words, 'CLAIM');
    if (least !== undefined && this.version < 8) return resp.error('ERR syntax error');
    let left = numberBehind(words, 'COUNT')!;
    const idle: string[] = [];
    for (const [id, delivery] of least === undefined ? [] : group.pending) {
      const waited = Math.floor(this.serving.now() - delivery.since);
      const entry = this.streams.get(name)!.find(id);
      if (waited < least! || left === 0 || entry === undefined) continue;
      idle.push(asEntry(entry, [waited, delivery.count]));
      this.takeOver(name, group, id, consumer);
      left--;
    }
    const fresh = this.readNew(name, group, consumer, left).map((entry) =>
      asEntry(entry, least === undefined ? [] : [0, 0]),
    );
    if (idle.length + fresh.length === 0) return undefined;
    return asStreams(protocol, [[name, [...idle, ...fresh]]]);
  }

  private readNew(name: string, group: Group, consumer: string, count: number): StoredEntry[] {
    const fresh = this.streams.get(name)!.behind(group.last).slice(0, count);
    group.consumers.add(consumer);
    for (const { id } of fresh) {
      group.deliver(id, { consumer, since: this.serving.now(), count: 1 });
      group.last = id;
      group.read++;
    }
    const ids = fresh.map(({ id }) => id);
    if (ids.length > 0) this.serving.tell.entriesDelivered(name, ids, consumer);
    return fresh;
  }

  private takeOver(name: string, group: Group, id: string, consumer: string): void {
    const { consumer: from, since, count } = group.pending.get(id)!;
    const { tell } = this.serving;
    tell.entryClaimed(name, id, from, consumer, this.serving.now() - since);
    group.consumers.add(consumer);
    group.deliver(id, { consumer, since: this.serving.now(), count: count + 1 });
    tell.entriesDelivered(name, [id], consumer);
  }

  private claim(protocol: 2 | 3, [, name, groupName, consumer, least, ...rest]: readonly string[]): string {
    const group = this.streams.get(name!)?.groups.get(groupName!);
    if (group === undefined) return noGroup(name!, groupName!);
    const isQuiet = rest.at(-1) === 'JUSTID';
    const claimed: string[] = [];
    for (const id of isQuiet ? rest.slice(0, -1) : rest) {
      const delivery = group.pending.get(id);
      if (delivery === undefined || this.serving.now() - delivery.since < Number(least)) continue;
      const entry = this.streams.get(name!)!.find(id);
      if (entry === undefined && this.version > 6) group.acknowledge(id);
      else if (isQuiet) {
        Object.assign(delivery, { consumer, since: this.serving.now() });
        claimed.push(resp.bulk(id));
      } else if (entry === undefined) {
        Object.assign(delivery, { consumer, since: this.serving.now(), count: delivery.count + 1 });
        claimed.push(resp.nothing(protocol));
      } else {
        this.takeOver(name!, group, id, consumer!);
        claimed.push(asEntry(entry));
      }
    }
    return resp.array(claimed);
  }

  private acknowledge(name: string, groupName: string, ids: readonly string[]): number {
    const group = this.streams.get(name)?.groups.get(groupName);
    if (group === undefined) return 0;
    const acknowledged = ids.filter((id) => group.pending.has(id));
    this.serving.tell.entriesAcknowledged(name, acknowledged);
    for (const id of acknowledged) group.acknowledge(id);
    return acknowledged.length;
  }

  private acknowledgeAndDelete([, name, group, , count, ...ids]: readonly string[]): string {
    if (this.version < 8) return resp.error("ERR unknown command 'XACKDEL', with args beginning with: ");
    if (Number(count) !== ids.length) this.serving.fail(`XACKDEL was given ${ids.length} ids, and says ${count}`);
    this.acknowledge(name!, group!, ids);
    this.delete(name!, ids);
    return resp.array(ids.map(() => resp.integer(1)));
  }

  private delete(name: string, ids: readonly string[]): number {
    const gone = this.streams.get(name)?.delete(ids) ?? [];
    if (gone.length > 0) this.serving.tell.entriesGone(name, gone, 'deleted');
    return gone.length;
  }

  private createGroup([, , name, groupName, id]: readonly string[]): string {
    const stream = this.streamOf(name!);
    if (stream.groups.has(groupName!)) return resp.error('BUSYGROUP Consumer Group name already exists');
    const last = id === '$' ? stream.last : id!;
    stream.groups.set(groupName!, new Group(last, stream.added - stream.behind(last).length));
    return resp.simple('OK');
  }

  private info(protocol: 2 | 3, name: string): string {
    const stream = this.streams.get(name);
    this.serving.tell.lastIdTold(name, stream?.last ?? '0-0');
    return stream === undefined ? resp.error(NO_KEY) : asInfo(protocol, stream, this.version > 6);
  }

  private groups(protocol: 2 | 3, name: string): string {
    const stream = this.streams.get(name);
    return stream === undefined ? resp.error(NO_KEY) : asGroups(protocol, stream, this.version > 6);
  }

  private pending([, name, groupName, start, , count, consumer]: readonly string[]): string {
    const group = this.streams.get(name!)?.groups.get(groupName!);
    if (group === undefined) return noGroup(name!, groupName!);
    const wanted = [...group.pending].filter(
      ([id, delivery]) =>
        (start === '-' || compare(id, start!) >= 0) && (consumer === undefined || delivery.consumer === consumer),
    );
    return asPending(wanted.slice(0, Number(count)), this.serving.now());
  }

  private addDeadLetter(name: string, id: string, fields: readonly string[]): string {
    this.serving.tell.deadLetterAdded(name, fields);
    return resp.bulk(this.append(name, fields, id));
  }

  /** No two ids are the same, whatever the server has lost. */
  private append(name: string, fields: readonly string[], given = '*'): string {
    const ms = BEGINNING + Math.floor(this.serving.now());
    this.latest = ms === this.latest[0] ? [ms, this.latest[1] + 1] : [ms, 0];
    const id = given === '*' ? this.latest.join('-') : given;
    this.streamOf(name).add({ id, fields });
    return id;
  }

  /** The group that XREADGROUP reads in. */
  groupOf(words: readonly string[]): Group | undefined {
    return this.streams.get(words.at(-2)!)?.groups.get(words[2]!);
  }

  private streamOf(name: string): StoredStream {
    let stream = this.streams.get(name);
    if (stream === undefined) this.streams.set(name, (stream = new StoredStream()));
    return stream;
  }
}

export function numberBehind(words: readonly string[], option: string): number | undefined {
  const index = words.indexOf(option);
  return index === -1 ? undefined : Number(words[index + 1]);
}

function noGroup(name: string, group: string, where = ''): string {
  return resp.error(`NOGROUP No such key '${name}' or consumer group '${group}'${where}`);
}

export function nil(protocol: 2 | 3): string {
  return protocol === 3 ? '_\r\n' : '*-1\r\n';
}

import * as resp from './resp';
import { compare, type Delivery, type StoredEntry, type StoredStream } from './stream-store';

/** An entry, with what else is told of it. */
export function asEntry({ id, fields }: StoredEntry, facts: readonly number[] = []): string {
  return resp.array([resp.bulk(id), resp.array(fields.map(resp.bulk)), ...facts.map(resp.integer)]);
}

/** The entries of streams. */
export function asStreams(
  protocol: 2 | 3,
  streams: readonly (readonly [name: string, entries: readonly string[]])[],
): string {
  const pairs = streams.map(([name, entries]) => [resp.bulk(name), resp.array(entries)] as const);
  return protocol === 3 ? resp.map(3, pairs) : resp.array(pairs.map((pair) => resp.array(pair)));
}

/** @param isCounted the server counts what was ever added */
export function asInfo(protocol: 2 | 3, stream: StoredStream, isCounted: boolean): string {
  const { entries, last, added, groups } = stream;
  const entryOrNothing = (entry: StoredEntry | undefined) =>
    entry === undefined ? resp.nothing(protocol) : asEntry(entry);
  const counted: [string, string][] = [['entries-added', resp.integer(added)]];
  return mapOf(protocol, [
    ['length', resp.integer(entries.length)],
    ['last-generated-id', resp.bulk(last)],
    ...(isCounted ? counted : []),
    ['groups', resp.integer(groups.size)],
    ['first-entry', entryOrNothing(entries[0])],
    ['last-entry', entryOrNothing(entries.at(-1))],
  ]);
}

export function asGroups(protocol: 2 | 3, { groups, added }: StoredStream, isCounted: boolean): string {
  return resp.array(
    [...groups].map(([name, { consumers, pending, last, read }]) => {
      const counted: [string, string][] = [
        ['entries-read', resp.integer(read)],
        ['lag', resp.integer(added - read)],
      ];
      return mapOf(protocol, [
        ['name', resp.bulk(name)],
        ['consumers', resp.integer(consumers.size)],
        ['pending', resp.integer(pending.size)],
        ['last-delivered-id', resp.bulk(last)],
        ...(isCounted ? counted : []),
      ]);
    }),
  );
}

export function asPending(pending: readonly (readonly [id: string, delivery: Delivery])[], now: number): string {
  const sorted = [...pending].sort(([a], [b]) => compare(a, b));
  return resp.array(
    sorted.map(([id, { consumer, since, count }]) =>
      resp.array([
        resp.bulk(id),
        resp.bulk(consumer),
        resp.integer(Math.max(0, Math.floor(now - since))),
        resp.integer(count),
      ]),
    ),
  );
}

function mapOf(protocol: 2 | 3, pairs: readonly (readonly [string, string])[]): string {
  return resp.map(
    protocol,
    pairs.map(([name, value]) => [resp.bulk(name), value]),
  );
}

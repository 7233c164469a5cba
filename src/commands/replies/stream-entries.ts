import type { ReplyContext, ReplyReader } from '../command';
import type { Frame } from '../../resp/frames';
import { arrayWithoutNulls, eachPair, items, readDictionary } from './collections';
import type { Entry, GroupEntry } from './types';
import { readInteger, readName, readText, unreadable } from './values';

type Pairs = [field: string, value: string][];

/** An entry as readers make it. Tuples for `pairs` are made when they are asked for: most callers want `fields` alone. */
export class StreamEntry {
  readonly #fields: Frame;

  constructor(
    readonly id: string,
    readonly fields: Record<string, string> | null,
    frame: Frame,
  ) {
    this.#fields = frame;
  }

  get pairs(): Pairs | null {
    if (this.#fields === null) return null;
    const pairs: Pairs = [];
    eachPair(this.#fields, (field, value) => pairs.push([readText(field), readText(value)]));
    return pairs;
  }

  /** The same with other texts in it. */
  mapped(map: (value: unknown) => unknown): StreamEntry {
    const { id, fields, ...others } = this;
    return Object.assign(new StreamEntry(id, map(fields) as typeof fields, map(this.#fields) as Frame), others);
  }
}

/** An entry of a stream. */
export function readEntry(frame: Frame, context: ReplyContext): Entry {
  const [id, fields] = items(frame);
  if (id === undefined || fields === undefined) return unreadable('an entry of a stream', frame);
  return new StreamEntry(readName(id), readDictionary(fields, context), fields) as Entry;
}

/** Entries of a stream; those deleted while pending, which Redis 6 shows as null, are left out. */
export const readEntries: ReplyReader<Entry[]> = /* @__PURE__ */ arrayWithoutNulls(readEntry);

/** An entry that a consumer group hands out. */
export function readGroupEntry(frame: Frame, context: ReplyContext): GroupEntry {
  const [id, fields, idle, deliveries] = items(frame);
  if (id === undefined || fields === undefined) return unreadable('an entry of a stream', frame);
  const read = fields === null ? null : readDictionary(fields, context);
  const entry: GroupEntry = new StreamEntry(readName(id), read, fields);
  if (idle !== undefined) entry.idle = readInteger(idle);
  if (deliveries !== undefined) entry.deliveries = readInteger(deliveries);
  return entry;
}

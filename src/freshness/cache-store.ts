import type { Command } from '../commands/command';
import { Entry } from './cache-entry';
import { idOf } from './names';

/** So many entries that are out are kept to be used again: as many as are under way at once, as a rule. */
const MOST_SPARES = 1_000;

/** What is kept of the commands that read one key: one entry, as a rule, or several by their ids. */
type Place = Entry | Map<string, Entry>;

/**
 * Entries by the keys that they were read from, and in the order of their last use. An entry that reads several keys stands at the place of
 * each. Nothing is here but entries: a key without any has no place.
 */
export class CacheStore {
  private readonly places = new Map<string, Place>();
  private newest: Entry | undefined;
  private oldest: Entry | undefined;
  /** How many are kept; those that are still read do not count. */
  count = 0;
  /** bytes */
  size = 0;
  /** Entries that are out, to be used again; each knows the next one as `older`. */
  private spare: Entry | undefined;
  private spares = 0;

  /** How many keys have a place. */
  get keys(): number {
    return this.places.size;
  }

  // Hot: once per command that may be kept.
  /** What there is for a command whose first key has this name. */
  get(name: string, command: Command, asBytes: boolean): Entry | undefined {
    const place = this.places.get(name);
    if (place === undefined) return undefined;
    if (!(place instanceof Map)) return place.answers(command, asBytes) ? place : undefined;
    return place.get(idOf(command, asBytes));
  }

  /** An entry that is to be read. */
  begin(command: Command, asBytes: boolean, name: string, others?: readonly string[]): Entry {
    const { spare } = this;
    if (spare !== undefined) {
      this.spare = spare.older;
      spare.older = undefined;
      this.spares--;
    }
    const entry = (spare ?? new Entry()).begin(command, asBytes, name, others);
    this.enter(name, entry);
    for (const other of entry.others) this.enter(other, entry);
    return entry;
  }

  private enter(name: string, entry: Entry): void {
    const { places } = this;
    const place = places.get(name);
    if (place === undefined) places.set(name, entry);
    else if (place instanceof Map) {
      place.set(entry.key, entry);
      entry.isAlone = false;
    } else {
      place.isAlone = entry.isAlone = false;
      places.set(
        name,
        new Map([
          [place.key, place],
          [entry.key, entry],
        ]),
      );
    }
  }

  /** The reply of an entry has come: it is the newest. */
  keep(entry: Entry): void {
    entry.reading = undefined;
    this.count++;
    this.size += entry.size;
    this.append(entry);
  }

  // Hot: once per hit.
  /** An entry is used. */
  touch(entry: Entry): void {
    if (entry === this.newest) return;
    this.unlink(entry);
    this.append(entry);
  }

  /** The entry that was not used for the longest time. */
  get leastUsed(): Entry | undefined {
    return this.oldest;
  }

  /** Takes an entry out, which must be here: what becomes of it is another's. */
  remove(entry: Entry): void {
    const { reading } = entry;
    if (reading === undefined) {
      this.count--;
      this.size -= entry.size;
      this.unlink(entry);
    } else reading.entry = undefined;
    this.leave(entry.name, entry);
    for (const other of entry.others) this.leave(other, entry);
    entry.empty();
    if (this.spares === MOST_SPARES) return;
    entry.older = this.spare;
    this.spare = entry;
    this.spares++;
  }

  private leave(name: string, entry: Entry): void {
    const { places } = this;
    const place = entry.isAlone ? entry : places.get(name);
    if (place === entry) places.delete(name);
    else if (place instanceof Map) {
      place.delete(entry.key);
      if (place.size === 0) places.delete(name);
    }
  }

  /** Takes out all that was read from a key. Returns how many entries that were. */
  removeKey(name: string): number {
    const place = this.places.get(name);
    if (place === undefined) return 0;
    if (!(place instanceof Map)) {
      this.remove(place);
      return 1;
    }
    const { size } = place;
    for (const entry of [...place.values()]) this.remove(entry);
    return size;
  }

  /** Takes out all that meets a condition. Returns how many were kept of these. */
  removeAll(isMeant: (entry: Entry) => boolean): number {
    const { count } = this;
    for (const place of this.places.values()) {
      for (const entry of place instanceof Map ? [...place.values()] : [place]) if (isMeant(entry)) this.remove(entry);
    }
    return count - this.count;
  }

  clear(): void {
    for (const place of this.places.values()) {
      for (const entry of place instanceof Map ? place.values() : [place]) {
        if (entry.reading !== undefined) entry.reading.entry = undefined;
        entry.newer = entry.older = undefined;
      }
    }
    this.places.clear();
    this.spare = undefined;
    this.spares = 0;
    this.newest = this.oldest = undefined;
    this.count = 0;
    this.size = 0;
  }

  private append(entry: Entry): void {
    entry.older = this.newest;
    if (this.newest === undefined) this.oldest = entry;
    else this.newest.newer = entry;
    this.newest = entry;
  }

  private unlink(entry: Entry): void {
    const { newer, older } = entry;
    if (newer === undefined) this.newest = older;
    else newer.older = older;
    if (older === undefined) this.oldest = newer;
    else older.newer = newer;
    entry.newer = entry.older = undefined;
  }
}

/** An entry of a stream, as a server has it. */
export interface StoredEntry {
  readonly id: string;
  /** fields and values by turns */
  readonly fields: readonly string[];
}

/** An entry that was delivered to a consumer and is not acknowledged. */
export interface Delivery {
  consumer: string;
  /** when it was delivered last */
  since: number;
  /** how often it was delivered */
  count: number;
}

/** A consumer group of a stream. */
export class Group {
  readonly consumers = new Set<string>();
  /** by the ids of entries, in their order */
  private pendingById = new Map<string, Delivery>();

  constructor(
    /** behind which new entries are */
    public last: string,
    /** how many entries the stream had had up to there */
    public read: number,
  ) {}

  get pending(): ReadonlyMap<string, Delivery> {
    return this.pendingById;
  }

  deliver(id: string, delivery: Delivery): void {
    const isLast = this.pendingById.size === 0 || compare([...this.pendingById.keys()].at(-1)!, id) < 0;
    this.pendingById.set(id, delivery);
    if (!isLast) this.pendingById = new Map([...this.pendingById].sort(([a], [b]) => compare(a, b)));
  }

  /** @returns whether it was pending */
  acknowledge(id: string): boolean {
    return this.pendingById.delete(id);
  }
}

/** One stream. */
export class StoredStream {
  entries: StoredEntry[] = [];
  last = '0-0';
  /** how many it has ever had */
  added = 0;
  readonly groups = new Map<string, Group>();

  add(entry: StoredEntry): void {
    this.entries.push(entry);
    this.last = entry.id;
    this.added++;
  }

  find(id: string): StoredEntry | undefined {
    return this.entries.find((entry) => entry.id === id);
  }

  behind(id: string): StoredEntry[] {
    return this.entries.filter((entry) => compare(entry.id, id) > 0);
  }

  /** @returns the ids of those that are gone */
  delete(ids: readonly string[]): string[] {
    const gone = this.entries.filter(({ id }) => ids.includes(id)).map(({ id }) => id);
    this.entries = this.entries.filter(({ id }) => !gone.includes(id));
    return gone;
  }
}

/** A negative number when the first of two ids comes before the second, 0 when they are the same. */
export function compare(a: string, b: string): number {
  const [ms, seq = 0] = a.split('-').map(Number) as [number, number?];
  const [otherMs, otherSeq = 0] = b.split('-').map(Number) as [number, number?];
  return ms - otherMs || seq - otherSeq;
}

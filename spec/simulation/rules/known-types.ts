import type { Link } from '../link';
import type { CounterType } from '../plan';
import type { Use } from '../use';
import { useOf } from '../use';
import type { WireRequest } from '../wire';
import { PerLink, type Rule, type Scene } from './rule';

/** What reads keys of each type, but for strings. */
const READERS: Readonly<Record<string, CounterType | undefined>> = {
  HGETALL: 'hash',
  LRANGE: 'list',
  SMEMBERS: undefined,
  ZRANGE: undefined,
  XRANGE: undefined,
};

/** What a connection has written since it began to watch. */
interface Reading {
  use: number | undefined;
  asked: WireRequest[];
}

/**
 * A key that was never watched, or has stayed what it was when it was watched last, is read in one write with WATCH; one that has stayed what
 * it was is read as nothing else.
 */
export class KnownTypesRule implements Rule {
  /** What the client has read each counter as since that became what it is, by uses that have seen nothing else. */
  private readonly known = new Map<string, CounterType>();
  /** Those that watch just now. */
  private readonly open = new Set<number>();
  /** Those that watched when a counter got another type: they may have read it as what it was. */
  private readonly openBefore = new Map<string, ReadonlySet<number>>();
  /** What was known when a use was asked for. */
  private readonly knownTo = new Map<number, ReadonlySet<string>>();
  /** How often each key was watched. */
  private readonly watched = new Map<string, number>();
  private readonly reading = new PerLink<Reading>(() => ({ use: undefined, asked: [] }));

  constructor(private readonly scene: Scene) {}

  useAsked({ id }: Use): void {
    const known = [...this.known].filter(([, type]) => type !== 'none').map(([key]) => key);
    this.knownTo.set(id, new Set(known));
    this.open.add(id);
  }

  useEnded({ id }: Use): void {
    this.open.delete(id);
  }

  watchedAs(key: string, type: CounterType): void {
    const before = [...(this.openBefore.get(key) ?? [])];
    if (before.every((id) => !this.open.has(id))) this.known.set(key, type);
  }

  retyped(key: string): void {
    this.known.delete(key);
    this.openBefore.set(key, new Set(this.open));
  }

  written(link: Link, request: WireRequest): void {
    const { words } = request;
    if (!link.lent) return;
    const reading = this.reading.of(link);
    if (words[0] === 'WATCH') {
      reading.use = useOf(words);
      reading.asked = [];
      for (const key of words.slice(1)) this.watched.set(key, (this.watched.get(key) ?? 0) + 1);
    }
    if (words[0] === 'TYPE') reading.asked.push(request);
    if (words[0]! in READERS) this.checkRead(link, words[0]!, words[1]!, reading);
  }

  private checkRead(link: Link, name: string, key: string, { use, asked }: Reading): void {
    const { journal, settings } = this.scene;
    const isKnown = use !== undefined && this.knownTo.get(use)?.has(key) === true && this.known.has(key);
    if (asked.some(({ answered }) => answered)) {
      const isWhole = settings.pipelineDepth >= 1_000 && link.traits.buffer === undefined;
      if (isWhole && isKnown) journal.fail(`watch ${use} reads ${key}, whose type is known, in a second write`);
      if (isWhole && this.watched.get(key) === 1)
        journal.fail(`watch ${use} reads ${key}, which was never watched before, in a second write`);
      journal.count('type has changed');
    } else if (isKnown) {
      if (READERS[name] !== this.known.get(key))
        journal.fail(`watch ${use} reads ${key} by ${name}, which is known as a ${this.known.get(key)}`);
      journal.count('type known');
    } else {
      journal.count('type not known');
    }
  }
}

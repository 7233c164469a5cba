import type { Link } from '../link';
import type { CounterType } from '../plan';
import type { Use } from '../use';
import { useOf } from '../use';
import type { WireRequest } from '../wire';
import { PerLink, type Rule, type Scene } from './rule';

/** A key that was no string when it was watched last, and has stayed what it was, is read in one write with WATCH. */
export class KnownTypesRule implements Rule {
  /** What the client has read each counter as since that became what it is, by uses that have seen nothing else. */
  private readonly known = new Map<string, CounterType>();
  /** Those that watch just now. */
  private readonly open = new Set<number>();
  /** Those that watched when a counter got another type: they may have read it as what it was. */
  private readonly openBefore = new Map<string, ReadonlySet<number>>();
  /** What was known when a use was asked for. */
  private readonly knownTo = new Map<number, ReadonlySet<string>>();
  private readonly reading = new PerLink<{ use: number | undefined; asked: WireRequest[] }>(() => ({
    use: undefined,
    asked: [],
  }));

  constructor(private readonly scene: Scene) {}

  useAsked({ id }: Use): void {
    const known = [...this.known].filter(([, type]) => type === 'hash' || type === 'list').map(([key]) => key);
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
    }
    if (words[0] === 'TYPE') reading.asked.push(request);
    if (words[0] === 'HGETALL' || words[0] === 'LRANGE') this.checkRead(link, words[1]!, reading.use, reading.asked);
  }

  private checkRead(link: Link, key: string, use: number | undefined, asked: readonly WireRequest[]): void {
    const { journal, settings } = this.scene;
    const isLate = asked.some(({ answered }) => answered);
    const isWhole = settings.pipelineDepth >= 1_000 && link.traits.buffer === undefined;
    const isKnown = use !== undefined && this.knownTo.get(use)?.has(key) === true && this.known.has(key);
    if (!isLate) journal.count('type known');
    else if (isKnown && isWhole) journal.fail(`watch ${use} reads ${key}, whose type is known, in a second write`);
    else journal.count('type not known');
  }
}

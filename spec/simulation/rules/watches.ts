import { RedisError, ReplyError } from '../../../src/errors';
import { canonical } from '../calls';
import type { Link } from '../link';
import type { Use } from '../use';
import type { WireRequest } from '../wire';
import type { Rule, Scene } from './rule';

/**
 * The transaction of a `watch` runs only if no watched key has changed since it was read, and once: a counter that each increments is
 * as high as there were successes. Each is told whether its own ran, as far as that can be known.
 */
export class WatchRule implements Rule {
  private readonly uses = new Map<number, Use>();
  private readonly watching = new Set<Link>();

  constructor(private readonly scene: Scene) {}

  useAsked(use: Use): void {
    if (use.item.kind === 'watch') this.uses.set(use.id, use);
  }

  /** A key that was read before it was watched may have changed in between. */
  written(link: Link, { words }: WireRequest): void {
    if (!link.lent) return;
    const name = words[0]!;
    if (name === 'WATCH') this.watching.add(link);
    else if (/^(UNWATCH|EXEC|DISCARD)$/.test(name)) this.watching.delete(link);
    else if (
      /^(GET|MGET|TYPE|HGETALL|LRANGE|SMEMBERS|ZRANGE|XRANGE)$/.test(name) &&
      words.some((word) => /^[WT]:/.test(word)) &&
      !this.watching.has(link)
    )
      this.scene.journal.fail(`link ${link.index}: ${name} reads ${words[1]}, which is not watched yet`);
  }

  incremented(link: Link, id: number, before: number, after: number): void {
    const { journal } = this.scene;
    const use = this.uses.get(id);
    if (use === undefined) {
      journal.fail(`link ${link.index}: a counter is set by use ${id}, which is no watch`);
      return;
    }
    journal.count('watched and incremented');
    use.runs++;
    if (use.runs > 1) this.fail(use, `has run ${use.runs} times`);
    if (after !== before + 1) this.fail(use, `has set a counter to ${after} that was ${before}`);
  }

  disturbed(id: number): void {
    const use = this.uses.get(id);
    if (use !== undefined) use.disturbed = true;
  }

  useConcluded(use: Use): void {
    const { outcome, runs, item } = use;
    if (item.kind !== 'watch' || outcome === undefined || outcome.kind === 'left') return;
    if (outcome.kind === 'error') {
      if (!(outcome.error instanceof RedisError)) {
        if (runs > 0) this.fail(use, 'has run, and failed before that');
      } else if (runs > 0 && outcome.error.delivery !== 'unknown') {
        this.fail(use, `has run, and is said to be '${outcome.error.delivery}'`);
      }
      const isUntimely = outcome.error instanceof ReplyError && outcome.error.kind === 'WRONGTYPE';
      if (isUntimely) this.fail(use, 'is told that a key has another type, which is a conflict');
      return;
    }
    const { value } = outcome;
    if (value === null && item.gives !== 'nothing' && !use.disturbed)
      this.fail(use, 'has ended in a conflict, and nothing has changed what it watched');
    if (value === null)
      this.scene.journal.count(item.gives === 'nothing' ? 'watched and left' : 'conflict to the last');
    if (value === null && runs > 0) this.fail(use, 'has run, and is told that it has not');
    if (value === null) return;
    if (runs !== 1) this.fail(use, `has run ${runs} times, and is told ${canonical(value)}`);
    if (!/^\[("OK"|0),1\]$/.test(canonical(value))) this.fail(use, `is told ${canonical(value)}`);
  }

  private fail({ id }: Use, violation: string): void {
    this.scene.journal.fail(`watch ${id} ${violation}`);
  }
}

import type { Redis } from 'rxjs-redis';
import { Random } from './random';
import { Tally } from './tally';

export const COUNTERS = 20;
const KEYS = 8;

/** What is known of a counter: how often it was counted up for certain, and how often perhaps. */
export interface Count {
  certain: number;
  perhaps: number;
}

/** All that the workers share. */
export class Ledger {
  readonly tally = new Tally();
  readonly counts: readonly Count[] = Array.from({ length: COUNTERS }, () => ({ certain: 0, perhaps: 0 }));
  /** Replies that were not what they had to be. */
  readonly wrong: string[] = [];
}

/**
 * Sends one command after the other, each when the one before is answered, and knows what every reply has to be: its keys are
 * its own.
 */
export class Worker {
  private readonly random: Random;
  private readonly keys: OwnKey[];

  constructor(
    private readonly redis: Redis,
    private readonly ledger: Ledger,
    name: string,
    seed: number,
  ) {
    this.random = new Random(seed);
    this.keys = Array.from({ length: KEYS }, (_, n) => new OwnKey(`${name}:${n}`));
  }

  async run(isOver: () => boolean): Promise<void> {
    while (!isOver()) await this.step();
  }

  private step(): Promise<void> {
    const chance = this.random.next();
    const key = this.random.pick(this.keys);
    if (chance < 0.25) return this.count();
    if (chance < 0.45) return this.set(key);
    if (chance < 0.65) return this.check(this.redis.get(key.name), key.text, 'GET');
    if (chance < 0.75) return this.append(key);
    if (chance < 0.8) return this.check(this.redis.strlen(key.name), key.text?.length ?? 0, 'STRLEN');
    if (chance < 0.85) return this.readMany();
    if (chance < 0.9) return this.leave();
    const payload = this.text();
    return this.check(this.redis.echo(payload), payload, 'ECHO');
  }

  /** Now and then with hardly any time, so that the deadline and the reply run against each other. */
  private async count(): Promise<void> {
    const { counts, tally } = this.ledger;
    const at = this.random.below(COUNTERS);
    const redis = this.random.next() < 0.05 ? this.redis.withOptions({ commandTimeout: 5 }) : this.redis;
    try {
      await redis.incr(`count:${at}`);
      tally.answered++;
      counts[at]!.certain++;
    } catch (error) {
      if (tally.failed(error) === 'unknown') counts[at]!.perhaps++;
    }
  }

  private async set(key: OwnKey): Promise<void> {
    const text = this.text();
    try {
      await this.redis.set(key.name, text);
      this.ledger.tally.answered++;
      key.text = text;
    } catch (error) {
      if (this.ledger.tally.failed(error) === 'unknown') key.renew();
    }
  }

  private async append(key: OwnKey): Promise<void> {
    const length = (key.text?.length ?? 0) + 1;
    try {
      const reply = await this.redis.append(key.name, '+');
      this.ledger.tally.answered++;
      key.text = `${key.text ?? ''}+`;
      if (reply !== length) this.ledger.wrong.push(`APPEND of ${key.name}: ${reply}, not ${length}`);
    } catch (error) {
      if (this.ledger.tally.failed(error) === 'unknown') key.renew();
    }
  }

  private readMany(): Promise<void> {
    const keys = [this.random.pick(this.keys), this.random.pick(this.keys)];
    const names = keys.map(({ name }) => name);
    const texts = keys.map(({ text }) => text);
    return this.check(
      this.redis.mget(names).then((replies) => JSON.stringify(replies)),
      JSON.stringify(texts),
      'MGET',
    );
  }

  /** Subscribes and leaves: at once, before the write, or with the reply under way. */
  private async leave(): Promise<void> {
    const subscription = this.redis.echo('nobody waits for this').subscribe({ error: () => undefined });
    const turns = this.random.below(3);
    for (let n = 0; n < turns; n++) await new Promise(setImmediate);
    subscription.unsubscribe();
  }

  private async check<T>(reply: PromiseLike<T>, expected: T, command: string): Promise<void> {
    let value: T;
    try {
      value = await reply;
    } catch (error) {
      this.ledger.tally.failed(error);
      return;
    }
    this.ledger.tally.answered++;
    if (value !== expected) this.ledger.wrong.push(`${command}: ${brief(value)}, not ${brief(expected)}`);
  }

  /** Short as a rule, long now and then, so that lines are cut in the middle of both. */
  private text(): string {
    const length = this.random.next() < 0.01 ? 100_000 : this.random.below(500);
    return `${this.random.below(1e9)}:`.padEnd(length, 'x');
  }
}

/** A key that nobody else touches. When it is not certain any more what it holds, another takes its place. */
class OwnKey {
  text: string | null = null;
  private generation = 0;

  constructor(private readonly base: string) {}

  get name(): string {
    return `${this.base}:${this.generation}`;
  }

  renew(): void {
    this.generation++;
    this.text = null;
  }
}

function brief(value: unknown): string {
  const text = String(value);
  return text.length > 40 ? `${text.slice(0, 40)}… (${text.length})` : text;
}

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { BehaviorSubject, filter, firstValueFrom, timeout } from 'rxjs';
import { Redis } from 'rxjs-redis';
import type { Block } from './markdown';
import { PATIENCE } from '../support/until';
import { programOf } from './program';

const CACHE = resolve(__dirname, '../../.cache');

/** What a program made of an example calls. */
export interface Example {
  /** of the server that runs */
  readonly url: string;
  /** The client that the document's first example has made. */
  redis(): Redis;
  /** Sees to it that a client ends with the example. */
  client(redis: Redis): Redis;
  /** Demands that the values of a `console.log` be these. */
  expects(site: number, line: number, values: readonly unknown[]): void;
  /** The `console.log` that something is demanded of. */
  log(site: number): (...values: readonly unknown[]) => void;
  /** Demands that a value be this one, and gives it back. */
  equal<T>(value: T, expected: readonly unknown[], line: number): T;
  /** for whatever else it says */
  readonly console: { log(): void; error(): void };
}

/**
 * Runs a block against a server.
 * @param patience how long what an example prints may take to come; ms
 * @throws Error when it fails, or does not do what its comments say
 */
export async function runExample(block: Block, url: string, patience = PATIENCE): Promise<void> {
  mkdirSync(CACHE, { recursive: true });
  const folder = mkdtempSync(join(CACHE, 'example-'));
  const running = new RunningExample(block, url);
  try {
    const file = join(folder, 'example.ts');
    writeFileSync(file, programOf(block));
    const { run } = (await import(file)) as { run: (example: Example) => Promise<void> };
    await run(running);
    await running.settled(patience);
  } finally {
    await running.end();
    rmSync(folder, { recursive: true });
  }
}

class RunningExample implements Example {
  readonly console = { log: (): void => undefined, error: (): void => undefined };
  private readonly clients: Redis[] = [];
  private readonly expected = new Map<number, { line: number; values: readonly unknown[] }>();
  private readonly logged$ = new BehaviorSubject<ReadonlyMap<number, readonly unknown[]>>(new Map());

  constructor(
    private readonly block: Block,
    readonly url: string,
  ) {}

  redis(): Redis {
    return this.client(new Redis(this.url));
  }

  client(redis: Redis): Redis {
    this.clients.push(redis);
    return redis;
  }

  expects(site: number, line: number, values: readonly unknown[]): void {
    this.expected.set(site, { line, values });
  }

  log(site: number): (...values: readonly unknown[]) => void {
    return (...values) => {
      const logged = this.logged$.value;
      this.logged$.next(new Map(logged).set(site, [...(logged.get(site) ?? []), ...values]));
    };
  }

  equal<T>(value: T, expected: readonly unknown[], line: number): T {
    this.compare([value], expected, line);
    return value;
  }

  /** Waits for what is still to come, then compares. */
  async settled(patience: number): Promise<void> {
    const complete$ = this.logged$.pipe(
      filter((logged) =>
        [...this.expected].every(([site, { values }]) => (logged.get(site)?.length ?? 0) >= values.length),
      ),
      timeout({ first: patience, with: () => this.logged$ }),
    );
    const logged = await firstValueFrom(complete$);
    for (const [site, { line, values }] of this.expected) this.compare(logged.get(site) ?? [], values, line);
  }

  /** Streams complete: that they fail when a client is destroyed is not what examples show. */
  async end(): Promise<void> {
    await Promise.all(this.clients.map((redis) => redis.close()));
  }

  private compare(actual: readonly unknown[], expected: readonly unknown[], line: number): void {
    try {
      expect(actual).toEqual(expected);
    } catch (error) {
      const where = `${this.block.document}:${line} is not as its comment says`;
      throw new Error(`${where}\n${(error as Error).message}`, { cause: error });
    }
  }
}

// Sends GETs, awaited or subscribed to, and prints which functions of the client each of them passes, by file.
import { Session } from 'node:inspector/promises';
import { performance } from 'node:perf_hooks';
import { forkJoin, lastValueFrom } from 'rxjs';
import type { Redis, RedisOptions } from '../../../src';
import { bundleOf, loadBundle } from '../../support/bundled';

/** So many GETs are sent in one tick: what runs less often belongs to the tick, not to a GET. */
const COUNT = 100;
const CLIENT = 'client-under-measurement.js';

type Client = { readonly Redis: new (url: string, options?: RedisOptions) => Redis };

/** Whose file a function is: the bundle says by a comment where each begins. */
function fileAt(text: string, offset: number): string {
  const before = text.slice(0, offset).matchAll(/^\/\/ src\/(.*)$/gm);
  return [...before].at(-1)?.[1] ?? 'the bundle';
}

async function functionsPassed(session: Session, text: string, run: () => Promise<unknown>): Promise<object> {
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await run();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  await session.post('Profiler.stopPreciseCoverage');
  const passed: Record<string, string[]> = {};
  const { functions } = result.find(({ url }) => url.endsWith(CLIENT))!;
  for (const { functionName, ranges } of functions) {
    const { count, startOffset } = ranges[0]!;
    if (count >= COUNT) (passed[fileAt(text, startOffset)] ??= []).push(functionName || '(anonymous)');
  }
  return passed;
}

async function main(url: string): Promise<void> {
  // Before the client holds the clock: it stands still, so no tick is late, however slow the machine is.
  const time = performance.now();
  performance.now = () => time;
  const text = await bundleOf('src/index.ts');
  const { Redis } = loadBundle<Client>(text, CLIENT);
  const redis = new Redis(url);
  await redis.set('k', 'some text');
  const gets = () => Array.from({ length: COUNT }, () => redis.get('k'));
  const ways = {
    awaited: () => Promise.all(gets()),
    subscribed: () => lastValueFrom(forkJoin(gets())),
  };
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  const passed: Record<string, object> = {};
  for (const [way, run] of Object.entries(ways)) {
    await run();
    passed[way] = await functionsPassed(session, text, run);
  }
  console.log(JSON.stringify(passed));
  await redis.destroy();
}

void main(process.argv[2]!);

// Sends GETs, awaited or subscribed to, and prints which functions of the client each of them passes, by file.
import { Session } from 'node:inspector/promises';
import { createRequire } from 'node:module';
import { performance } from 'node:perf_hooks';
import { resolve } from 'node:path';
import { compileFunction } from 'node:vm';
import { build } from 'esbuild';
import { forkJoin, lastValueFrom } from 'rxjs';
import type { Redis, RedisOptions } from '../../../src';

/** So many GETs are sent in one tick: what runs less often belongs to the tick, not to a GET. */
const COUNT = 100;
const ROOT = resolve(__dirname, '../../..');
const CLIENT = 'client-under-measurement.js';

type Client = { readonly Redis: new (url: string, options?: RedisOptions) => Redis };

async function bundle(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: ['src/index.ts'],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'es2022',
    external: ['rxjs'],
    logLevel: 'silent',
  });
  return outputFiles[0]!.text;
}

function load(text: string): Client {
  const module = { exports: {} };
  const evaluate = compileFunction(text, ['require', 'module'], { filename: CLIENT }) as (
    require: NodeJS.Require,
    module: object,
  ) => void;
  evaluate(createRequire(resolve(ROOT, 'package.json')), module);
  return module.exports as Client;
}

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
  const text = await bundle();
  const { Redis } = load(text);
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

import { readdirSync, readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { satisfies } from 'semver';
import { installPinned, type Versions } from '../../infra/install-pinned';
import manifest from '../../package.json';
import { useServer } from '../support/server';
import { Consumer } from './consumer';
import { SMOKE } from './smoke-output';

const HOME = join(__dirname, '../../infra/rxjs');
const TYPES = join(__dirname, '../types');

/** What most programs do. */
const EIGHT = `import { filter, firstValueFrom, map, switchMap, take, toArray } from 'rxjs';
import { Redis } from 'rxjs-redis';
import { incr, set } from 'rxjs-redis/commands';
const redis = new Redis();
export const long$ = redis.subscribe('news:*').pipe(
  filter(({ data }) => data.length > 3),
  switchMap(({ channel }) => redis.get(channel)),
  map((value) => value ?? ''),
);
export const value: Promise<string | null> = firstValueFrom(redis.get('a'));
export const both = redis.multi(set('a', 1), incr('a')).then((replies) => replies?.[1]);
export const pages: Promise<string[][]> = firstValueFrom(redis.scanStream().pipe(take(2), toArray()));
export async function read() {
  for await (const { data } of redis.subscribe('news')) if (data.length > 3) return data;
  return redis.hgetall('h').then(({ field }) => field);
}
`;

describe('the built package', () => {
  const server = useServer({ own: true });
  let consumer: Consumer;
  let versions: Versions;
  beforeAll(async () => {
    [consumer, versions] = await Promise.all([Consumer.create(), installPinned(HOME)]);
    await cp(join(__dirname, 'smoke.mjs'), join(consumer.folder, 'smoke.mjs'));
  });
  afterAll(() => consumer?.delete());

  const use = (name: string) => consumer.use('rxjs', join(HOME, 'node_modules', name));
  const admits = (name: string) => satisfies(versions[name]!, manifest.peerDependencies.rxjs);

  it.each(['rxjs-7.8.0', 'rxjs-8'])('works with %s, which its range of peers has', async (name) => {
    expect(admits(name)).toBe(true);
    await use(name);
    const said = await consumer.runOn([process.execPath], ['smoke.mjs', server().url]);
    expect(said.replace(/smoke \d+/g, 'KEY')).toBe(SMOKE);
  });

  it('uses in connection/ of what RxJS 9 has no more, beside Observable and operators, what ARCHITECTURE names', () => {
    const folder = join(__dirname, '../../src/connection');
    const architecture = readFileSync(join(__dirname, '../../ARCHITECTURE.md'), 'utf8');
    const users = (name: string) =>
      readdirSync(folder).filter((file) => {
        const imported = /^import \{([^}]*)\} from 'rxjs';/m.exec(readFileSync(join(folder, file), 'utf8'))?.[1] ?? '';
        return imported.split(',').some((one) => one.trim().replace('type ', '') === name);
      });
    const named = (name: string) =>
      new RegExp(`\`${name}\` in ((?:\\s|,|and|\`\\S+\\.ts\`)+)`).exec(architecture)?.[1] ?? '';
    for (const name of ['Subscriber', 'Subscription', 'asyncScheduler', 'config']) {
      expect([name, ...(named(name).match(/[\w-]+\.ts/g) ?? [])]).toEqual([name, ...users(name)]);
      expect(users(name).length).toBeGreaterThan(0);
    }
  });

  it('has types that fit those of RxJS 7.8', async () => {
    await use('rxjs-7.8.0');
    const specs = readdirSync(TYPES).map((file) => [file, readFileSync(join(TYPES, file), 'utf8')] as const);
    await consumer.compile(Object.fromEntries(specs));
  });

  // Its Observables are iterable themselves, and each stream of ours would have to be a generator.
  it('has types that can be used with those of RxJS 8 where declarations are not checked themselves', async () => {
    await use('rxjs-8');
    await consumer.compile({ 'eight.ts': EIGHT }, ['--skipLibCheck']);
    await expect(
      consumer.compile({ 'eight.ts': EIGHT.replace('length', 'lenght') }, ['--skipLibCheck']),
    ).rejects.toThrow("'lenght' does not exist");
  });

  it('says what it needs where RxJS 9 is there, which its range of peers has not', async () => {
    expect(admits('rxjs-9')).toBe(false);
    await use('rxjs-9');
    await expect(consumer.run('nine.cjs', "require('rxjs-redis')")).rejects.toThrow(
      'Error: rxjs-redis needs RxJS 7.8 or 8: the version that is installed has no Observable',
    );
  });
});

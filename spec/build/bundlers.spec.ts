import { cp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { installPinned } from '../../infra/install-pinned';
import { useServer } from '../support/server';
import { Consumer } from './consumer';

const HOME = join(__dirname, '../../infra/bundlers');

const WORKS = `import { Redis } from 'rxjs-redis';
import { incr, set } from 'rxjs-redis/commands';
export async function work(url) {
  const redis = new Redis(url);
  const replies = await redis.multi(set('bundled', 1), incr('bundled'));
  await redis.close();
  return replies;
}`;

describe.each(['webpack', 'vite'])('a program that %s bundles', (bundler) => {
  const server = useServer();
  let consumer: Consumer;
  beforeAll(async () => {
    [consumer] = await Promise.all([Consumer.create(), installPinned(HOME)]);
    await cp(join(__dirname, 'run-bundler.mjs'), join(consumer.folder, 'run-bundler.mjs'));
  });
  afterAll(() => consumer?.delete());

  async function bundled(name: string, source: string): Promise<string> {
    const output = join(consumer.folder, `${name}.bundle.mjs`);
    const program = await consumer.write(`${name}.mjs`, source);
    const folder = join(HOME, 'node_modules', bundler);
    await consumer.runOn([process.execPath], ['run-bundler.mjs', bundler, folder, program, output]);
    return output;
  }

  it.each([
    ['an error class', `export { RedisError } from 'rxjs-redis';`, 10_000],
    ['an operator', `export { resync } from 'rxjs-redis';`, 13_000],
    ['a builder', `export { get } from 'rxjs-redis/commands';`, 6_000],
    ['a builder with options', `export { set } from 'rxjs-redis/commands';`, 8_000],
    ['the largest builder', `export { geosearch } from 'rxjs-redis/commands';`, 10_000],
  ])('has %s alone where it imports nothing else, in few bytes', async (what, source, most) => {
    const { size } = await stat(await bundled(what.replaceAll(' ', '-'), source));
    expect(size).toBeGreaterThan(100);
    expect(size).toBeLessThan(most);
  });

  it('works', async () => {
    const output = await bundled('works', WORKS);
    const program = `import { work } from '${output}'; console.log(JSON.stringify(await work('${server().url}')));`;
    expect(await consumer.run('works-here.mjs', program)).toBe('["OK",2]');
  });
});

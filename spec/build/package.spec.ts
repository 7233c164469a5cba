import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { build, type BuildResult } from 'esbuild';
import manifest from '../../package.json';
import { linksOf } from '../examples/markdown';
import { Consumer } from './consumer';

describe('the built package', () => {
  let consumer: Consumer;
  beforeAll(async () => {
    consumer = await Consumer.create();
  });
  afterAll(() => consumer?.delete());

  it('has every file that its package.json promises', () => {
    const promised = filesIn([manifest.main, manifest.module, manifest.types, manifest.exports]);
    const missing = promised.filter((file) => !existsSync(join(consumer.folder, 'node_modules/rxjs-redis', file)));
    expect(missing).toEqual([]);
    expect(promised.length).toBeGreaterThanOrEqual(8);
  });

  it.each(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md', 'CHANGELOG.md'])(
    'has the documents that %s links to',
    (document) => {
      const root = join(__dirname, '../..');
      const inPackage = (target: string) =>
        manifest.files.some((file) => target === file || target.startsWith(`${file}/`)) || target === 'package.json';
      const links = linksOf(readFileSync(join(root, document), 'utf8'));
      expect(manifest.files).toContain(document);
      expect(links.filter((target) => target.endsWith('.md') && !inPackage(target))).toEqual([]);
    },
  );

  it('can be required', async () => {
    const program = `
      const { Redis } = require('rxjs-redis');
      const { get } = require('rxjs-redis/commands');
      console.log(typeof new Redis().get, get('k').spec.name);`;
    expect(await consumer.run('required.cjs', program)).toBe('function GET');
  });

  it('can be imported', async () => {
    const program = `
      import { Redis } from 'rxjs-redis';
      import { get } from 'rxjs-redis/commands';
      console.log(typeof new Redis().get, get('k').spec.name);`;
    expect(await consumer.run('imported.mjs', program)).toBe('function GET');
  });

  it('has the same classes behind both entries', async () => {
    const check = `console.log(get('k') instanceof Command);`;
    const required = `const { Command } = require('rxjs-redis'); const { get } = require('rxjs-redis/commands'); ${check}`;
    const imported = `import { Command } from 'rxjs-redis'; import { get } from 'rxjs-redis/commands'; ${check}`;
    expect(await consumer.run('same.cjs', required)).toBe('true');
    expect(await consumer.run('same.mjs', imported)).toBe('true');
  });

  it('has types for ECMAScript modules and for CommonJS', async () => {
    const program = `
        import { Redis, Command, ReplyError } from 'rxjs-redis';
        import { get, set } from 'rxjs-redis/commands';
        import { firstValueFrom } from 'rxjs';

        export async function use(redis: Redis): Promise<string | null> {
          const command: Command<string | null> = get('k');
          const reply: 'OK' | string | null = await redis.set('k', 'v');
          const bytes: Buffer | null = await firstValueFrom(redis.bytes.get('k'));
          // @ts-expect-error a key is no boolean: the types are there, not any
          set(true, 'v');
          return reply ?? bytes?.toString() ?? String(command.args[0]) ?? ReplyError.name;
        }`;
    await consumer.compile({ 'types.mts': program, 'types.cts': program });
  });

  it('takes commands that a package in the other module format has made', async () => {
    const program = (mode: string) => `
        import type { Command } from 'rxjs-redis';
        import type { Command as Theirs } from 'rxjs-redis/commands' with { 'resolution-mode': '${mode}' };
        export const take = (command: Theirs<string>): Command<string> => command;
        // @ts-expect-error its reply is no number
        export const mistake = (command: Theirs<string>): Command<number> => command;`;
    await consumer.compile({ 'takes.mts': program('require'), 'takes.cts': program('import') });
  });

  it('takes commands of the other module format in groups, and knows those that are answered already', async () => {
    const program = `
        import { createRequire } from 'node:module';
        import { Redis } from 'rxjs-redis';
        const { del, get } = createRequire(import.meta.url)('rxjs-redis/commands');
        const redis = new Redis();
        redis.pipeline(get('k'));
        console.log(JSON.stringify(await redis.multi(del([]))));`;
    expect(await consumer.run('groups.mjs', program)).toBe('[0]');
  });

  it('brings less than 8 KB, minified and zipped, to who uses two commands as data', async () => {
    const { outputFiles } = await bundle(`export { get, set } from 'rxjs-redis/commands';`, consumer);
    expect(gzipSync(outputFiles[0]!.contents).length).toBeLessThan(8 * 1024);
  });

  it('contains nothing of what it depends on', async () => {
    const { metafile } = await bundle(`export * from 'rxjs-redis';`, consumer);
    const imported = Object.values(metafile.inputs).flatMap(({ imports }) => imports);
    const packages = new Set(imported.filter(({ external }) => external).map(({ path }) => path));
    const strangers = [...packages].filter((path) => !/^(node:.+|rxjs(\/operators)?|@opentelemetry\/api)$/.test(path));
    expect(strangers).toEqual([]);
    expect(packages).toContain('rxjs');
  });
});

/** All file names in a package.json's `exports`, at any depth. */
function filesIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return Object.values(value as object).flatMap(filesIn);
}

async function bundle(source: string, consumer: Consumer): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({
    stdin: { contents: source, resolveDir: consumer.folder },
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'node',
    external: ['rxjs', '@opentelemetry/api'],
    write: false,
    metafile: true,
  });
}

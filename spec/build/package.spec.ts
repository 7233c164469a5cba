import { existsSync, readFileSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { build, transform, type BuildOptions, type BuildResult } from 'esbuild';
import { rollup } from 'rollup';
import manifest from '../../package.json';
import { linksOf } from '../examples/markdown';
import { Consumer } from './consumer';

const ROOT = join(__dirname, '../..');

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

  it.each(['README.md', 'CHANGELOG.md', 'MIGRATING.md', 'SECURITY.md'])(
    'has the documents that %s links to, but for the guides, which the page of the package links to in the repository',
    (document) => {
      const inPackage = (target: string) =>
        manifest.files.some((file) => target === file || target.startsWith(`${file}/`)) || target === 'package.json';
      const links = linksOf(readFileSync(join(ROOT, document), 'utf8'));
      expect(manifest.files).toContain(document);
      const isGuide = (target: string) => target.startsWith('infra/site/guides/') && existsSync(join(ROOT, target));
      expect(links.filter((target) => target.endsWith('.md') && !inPackage(target) && !isGuide(target))).toEqual([]);
      expect(manifest.repository.url).toMatch(/^git\+https:/);
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

  describe('tells OpenTelemetry what it does', () => {
    const told = `
      trace.setGlobalTracerProvider({
        getTracer: (library) => ({
          startSpan: (name) => (console.log(library, name), trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 })),
        }),
      });
      const redis = new Redis({ port: 1, telemetry: true });
      redis.get('k').subscribe({ error: () => undefined });
      redis.destroy();`;
    const required = `const { Redis } = require('rxjs-redis');`;
    const imported = `import { Redis } from 'rxjs-redis';`;

    it('where it is installed', async () => {
      const byRequire = `${required} const { trace } = require('@opentelemetry/api'); ${told}`;
      const byImport = `${imported} import { trace } from '@opentelemetry/api'; ${told}`;
      expect(await consumer.run('told.cjs', byRequire)).toBe('rxjs-redis redis.GET');
      expect(await consumer.run('told.mjs', byImport)).toBe('rxjs-redis redis.GET');
    });

    it('and works without it, where that is not asked for', async () => {
      const program = `
        const made = new Redis().toJSON().state;
        try {
          new Redis({ telemetry: true });
        } catch (error) {
          console.log(made, error.name, error.message, error.cause.code);
        }`;
      const api = join(consumer.folder, 'node_modules/@opentelemetry');
      await rename(api, `${api}-elsewhere`);
      try {
        const said =
          /^idle TypeError The option 'telemetry' needs @opentelemetry\/api, which cannot be loaded: install it, .* MODULE_NOT_FOUND$/;
        expect(await consumer.run('without.cjs', required + program)).toMatch(said);
        expect(await consumer.run('without.mjs', imported + program)).toMatch(said);
        await consumer.compile({
          'without.mts': `${imported} export const redis = new Redis({ telemetry: { tracer: false } });`,
        });
      } finally {
        await rename(`${api}-elsewhere`, api);
      }
    });

    it('from a bundle that has no place of its own', async () => {
      const entry = await consumer.write(
        'bundled.mjs',
        `${imported} import { trace } from '@opentelemetry/api'; ${told}`,
      );
      const outfile = join(consumer.folder, 'bundle.cjs');
      await build({ entryPoints: [entry], outfile, bundle: true, platform: 'node', format: 'cjs', logLevel: 'silent' });
      expect(await consumer.run('bundle-there.cjs', `process.chdir(__dirname); require('./bundle.cjs')`)).toBe(
        'rxjs-redis redis.GET',
      );
    });
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

  it.each([
    ['an error class', `export { RedisError } from 'rxjs-redis';`, 10_000],
    ['an operator', `export { resync } from 'rxjs-redis';`, 13_000],
    ['a builder', `export { get } from 'rxjs-redis/commands';`, 6_000],
    ['a builder with options', `export { set } from 'rxjs-redis/commands';`, 8_000],
    ['the largest builder', `export { geosearch } from 'rxjs-redis/commands';`, 10_000],
  ])('brings %s alone to what imports nothing else, in few bytes', async (_what, source, most) => {
    const sizes = await Promise.all([bundle(source, consumer).then(lengthOf), rolledUp(source, consumer)]);
    for (const size of sizes) {
      expect(size).toBeGreaterThan(100);
      expect(size).toBeLessThan(most);
    }
  });

  it('has errors whose names a bundler does not shorten', async () => {
    const names = [
      'AuthenticationError',
      'ConfigurationError',
      'ConnectionError',
      'DisconnectedError',
      'ProtocolError',
    ];
    const source = `
      import * as all from 'rxjs-redis';
      const { ${[...names, 'RedisError', 'ReplyError', 'TimeoutError'].join(', ')} } = all;
      class Own extends RedisError {}
      console.log([${[...names, 'ReplyError', 'TimeoutError', 'Own'].join(', ')}].map((E) => new E('m', 'ERR').name).join());`;
    const { outputFiles } = await bundle(source, consumer);
    const printed = await consumer.run('shortened.mjs', outputFiles[0]!.text);
    expect(printed).toBe([...names, 'ReplyError', 'TimeoutError', 'RedisError'].join());
  });

  it('brings each builder alone in less than 10 kB, and three of four in less than 6', async () => {
    const sizes = await sizesOfBuilders(consumer);
    expect(sizes.length).toBeGreaterThan(400);
    const above = (most: number) => sizes.filter(([, size]) => size >= most).map(([name]) => name);
    expect(above(10_000)).toEqual([]);
    expect(above(6_000).length).toBeLessThan(sizes.length / 3);
  });

  it('needs no package but rxjs: its other peers are optional', () => {
    const optional: Readonly<Record<string, { readonly optional: boolean }>> = manifest.peerDependenciesMeta;
    const needed = Object.keys(manifest.peerDependencies).filter((name) => optional[name]?.optional !== true);
    expect(needed).toEqual(['rxjs']);
    expect(manifest).not.toHaveProperty('dependencies');
  });

  it('says who made it, where its source and its issues are, and is built before it is packed', () => {
    const { url } = manifest.repository;
    const page = url.replace(/^git\+|\.git$/g, '');
    expect(manifest).toMatchObject({ homepage: `${page}#readme`, bugs: `${page}/issues`, license: 'MIT' });
    expect(manifest.author).toMatch(/\w/);
    expect(manifest.scripts).toMatchObject({ prepack: 'npm run build', build: 'rollup -c' });
  });

  it('unpacks to no more than 2.5 MB, is packed in less than 0.7, has no source maps, and no file that nothing leads to', async () => {
    const { unpackedSize, size, files } = await consumer.packed();
    expect(size).toBeLessThan(700_000);
    expect(unpackedSize).toBeLessThanOrEqual(2_500_000);
    expect(unpackedSize).toBeGreaterThan(1_000_000);
    expect(files.filter((file) => file.endsWith('.map'))).toEqual([]);
    const isKnown = (file: string) => file.startsWith('dist/esm/') || !file.startsWith('dist/');
    const promised = filesIn([
      manifest.main,
      manifest.module,
      manifest.types,
      manifest.exports,
      manifest.typesVersions,
    ]);
    expect(files.filter((file) => !isKnown(file) && !promised.includes(`./${file}`))).toEqual(['dist/client.cjs']);
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

/** A bundle as applications for browsers and workers are made, without what they bring themselves. */
const BUNDLED = {
  bundle: true,
  minify: true,
  format: 'esm',
  platform: 'node',
  external: ['rxjs', '@opentelemetry/api'],
  write: false,
} satisfies BuildOptions;

async function bundle(source: string, consumer: Consumer): Promise<BuildResult<{ write: false; metafile: true }>> {
  return build({
    stdin: { contents: source, resolveDir: consumer.folder },
    ...BUNDLED,
    metafile: true,
  });
}

/** Bytes of what esbuild makes of each builder alone, minified. Each is taken from its own file, where bundlers find it: that is quicker. */
async function sizesOfBuilders(consumer: Consumer): Promise<readonly (readonly [name: string, size: number])[]> {
  const resolveDir = join(consumer.folder, 'node_modules/rxjs-redis/dist/esm');
  const entry = readFileSync(join(resolveDir, 'commands.mjs'), 'utf8');
  const sources = new Map<string, string>();
  for (const [, names, file] of entry.matchAll(/export ?\{([^}]*)\} ?from ?"([^"]*)"/g))
    for (const name of names!.split(',').filter((name) => /^[a-z]\w*$/.test(name)))
      sources.set(name, `export { ${name} } from '${file}';`);
  const { outputFiles } = await build({
    entryPoints: [...sources.keys()].map((name) => ({ in: `builder:${name}`, out: name })),
    outdir: consumer.folder,
    ...BUNDLED,
    plugins: [
      {
        name: 'builder',
        setup: (plugin) => {
          plugin.onResolve({ filter: /^builder:/ }, ({ path }) => ({
            namespace: 'builder',
            path: path.split(':')[1]!,
          }));
          plugin.onLoad({ filter: /./, namespace: 'builder' }, ({ path }) => ({
            contents: sources.get(path)!,
            resolveDir,
          }));
        },
      },
    ],
  });
  return outputFiles.map(({ path, contents }) => [basename(path, '.js'), contents.length]);
}

function lengthOf({ outputFiles }: { readonly outputFiles: readonly { readonly contents: Uint8Array }[] }): number {
  return outputFiles[0]!.contents.length;
}

/** Bytes of what rollup, which Vite bundles with, makes of a program, minified. */
async function rolledUp(source: string, consumer: Consumer): Promise<number> {
  const input = await consumer.write('rolled-up.mjs', source);
  const { exports } = manifest;
  const files = new Map(
    Object.entries(exports).flatMap(([name, entry]) =>
      typeof entry === 'string' ? [] : [[name.replace('.', 'rxjs-redis'), entry.import.module] as const],
    ),
  );
  const folder = join(consumer.folder, 'node_modules/rxjs-redis');
  const bundled = await rollup({
    input,
    onwarn: ({ message }) => {
      throw new Error(message);
    },
    external: (name) => name === 'rxjs' || name.startsWith('node:'),
    plugins: [
      {
        name: 'installed',
        resolveId: (name) =>
          files.has(name) ? { id: join(folder, files.get(name)!), moduleSideEffects: manifest.sideEffects } : null,
        load: (id) => (id.startsWith(folder) ? { code: readFileSync(id, 'utf8'), moduleSideEffects: false } : null),
      },
    ],
  });
  const { output } = await bundled.generate({ format: 'es' });
  return (await transform(output[0].code, { minify: true, format: 'esm' })).code.length;
}

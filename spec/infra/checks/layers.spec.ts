import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const repository = resolve(__dirname, '../../..');

/** A place with modules that import what they are told to. */
class Tree {
  private constructor(private readonly folder: string) {}

  static async create(modules: Readonly<Record<string, string>>): Promise<Tree> {
    const tree = new Tree(await mkdtemp(join(tmpdir(), 'rxjs-redis-layers-')));
    await mkdir(join(tree.folder, 'node_modules'));
    for (const name of ['rxjs', 'fast-check']) {
      await symlink(join(repository, 'node_modules', name), join(tree.folder, 'node_modules', name));
    }
    await tree.write('node_modules/@opentelemetry/api/index.js', '');
    for (const [name, source] of Object.entries(modules)) await tree.write(`src/${name}`, `${source}\nexport {};\n`);
    return tree;
  }

  private async write(name: string, text: string): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }

  check(): Promise<{ code: number; output: string }> {
    const tsx = join(repository, 'node_modules/tsx/dist/cli.mjs');
    const script = join(repository, 'infra/checks/check-layers.ts');
    return new Promise((done) => {
      execFile(process.execPath, [tsx, script], { cwd: this.folder }, (error, stdout, stderr) =>
        done({ code: error === null ? 0 : 1, output: stdout + stderr }),
      );
    });
  }

  async delete(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

const innocent = {
  'errors.ts': '',
  'options/index.ts': `import type * as tls from 'node:tls';\nimport type { B } from '../commands/b';`,
  'resp/a.ts': `import { Observable } from 'rxjs';\nimport '../errors';`,
  'commands/b.ts': `import '../resp/a';\nimport type { C } from './c';`,
  'commands/c.ts': `import './b';`,
  'connection/socket.ts': `import 'node:net';\nimport 'node:tls';\nimport '../options';`,
  'connection/clock.ts': `import 'node:timers';\nimport 'node:perf_hooks';\nimport './async-context';`,
  'connection/async-context.ts': `import 'node:async_hooks';`,
  'pubsub/pubsub.ts': `import { map } from 'rxjs/operators';\nimport '../connection/socket';\nimport './topic';`,
  'pubsub/topic.ts': '',
  'groups/group.ts': `import '../commands/b';`,
  'telemetry/spans.ts': `import { trace } from '@opentelemetry/api';\nimport '../pubsub/pubsub';`,
  'redis.ts': `import './pubsub/pubsub';\nimport './telemetry/spans';`,
  'index.ts': `export * from './redis';`,
};

/** Each offender with the rule that it breaks. */
// prettier-ignore
const offences = [
  ['an import from above', 'resp/up.ts', `import '../connection/socket';`, 'resp imports nothing above it'],
  ['a type from above', 'commands/up.ts', `import type { T } from '../pubsub/topic';`, 'commands imports nothing above it'],
  ['the index from below', 'pubsub/up.ts', `import '../index';`, 'features imports nothing above it'],
  ['one feature in another', 'groups/side.ts', `import '../pubsub/topic';`, 'features do not know each other'],
  ['sockets elsewhere', 'connection/dial.ts', `import { connect } from 'node:net';`, 'sockets are the business of connection/socket.ts'],
  ['sockets without the prefix', 'connection/dial-too.ts', `import 'tls';`, 'sockets are the business of connection/socket.ts'],
  ['contexts elsewhere', 'connection/context.ts', `import 'node:async_hooks';`, 'contexts of AsyncLocalStorage are the business of connection/async-context.ts'],
  ['timers elsewhere', 'connection/later.ts', `import 'node:timers/promises';`, 'timers are the business of connection/clock.ts'],
  ['times elsewhere', 'resp/now.ts', `import { performance } from 'perf_hooks';`, 'timers are the business of connection/clock.ts'],
  ['OpenTelemetry elsewhere', 'connection/spans.ts', `import '@opentelemetry/api';`, 'OpenTelemetry is the business of telemetry/'],
  ['the inside of rxjs', 'resp/inside.ts', `import 'rxjs/internal/Observable';`, 'src needs rxjs and OpenTelemetry alone, by their public entry points'],
  ['another package', 'resp/other.ts', `import 'fast-check';`, 'src needs rxjs and OpenTelemetry alone, by their public entry points'],
  ['what does not exist', 'resp/gone.ts', `import './nowhere';`, 'every import leads somewhere'],
  ['a folder without a layer', 'attic/a.ts', `import '../errors';`, 'every file has its layer'],
] as const;

describe('The check of the layers', () => {
  it('lets a tree pass whose imports point down', async () => {
    const tree = await Tree.create(innocent);
    const { code, output } = await tree.check();
    await tree.delete();
    expect(output).toMatch(/^layers: \d+ modules, 0 imports against the rules\n$/);
    expect(code).toBe(0);
  });

  describe('of a tree with offenders', () => {
    let found: { code: number; output: string };
    beforeAll(async () => {
      const offenders = Object.fromEntries(offences.map(([, name, source]) => [name, source]));
      const cycle = { 'resp/one.ts': `import './other-one';`, 'resp/other-one.ts': `import './one';` };
      const tree = await Tree.create({ ...innocent, ...offenders, ...cycle });
      found = await tree.check();
      await tree.delete();
    });

    it('fails', () => expect(found.code).toBe(1));

    it.each(offences)('refuses %s', (_, name, __, rule) => {
      expect(found.output).toContain(`${rule}: src/${name} → `);
    });

    it('refuses a cycle', () => {
      expect(found.output).toMatch(/^no cycles: .*src\/resp\/one.ts/m);
    });

    it('accuses nobody else', () => {
      const accused = new Set([...found.output.matchAll(/: src\/(\S+) →/g)].map(([, name]) => name));
      const guilty = [...offences.map(([, name]) => name), 'resp/one.ts', 'resp/other-one.ts'];
      expect([...accused].filter((name) => !guilty.some((known) => known === name))).toEqual([]);
    });
  });
});

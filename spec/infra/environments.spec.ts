import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { findServer, type ServerName } from '../../infra/servers';
import { defaultServerName } from '../../infra/servers/server-names';
import { linkPrograms } from './programs';

const repository = resolve(__dirname, '../..');
const runner = join(repository, 'node_modules/jest/bin/jest.js');

/** The specs that depend on what is on the PATH: those of the servers, and one that takes whatever server comes. */
const SPECS = ['spec/infra/servers.spec.ts', 'spec/infra/lock.spec.ts', 'spec/server/socket-options.spec.ts'];

/** These download a server each and look at nothing that is on the PATH but Debian's own programs: once is enough. */
const DOWNLOADS = ['fill an empty cache once', 'survive a process that is killed while it unpacks'];

/** Programs that a machine may have or not, with all that comes in their packages. */
const OPTIONAL = /^(redis|valkey|docker|flock$)/;

/** All specs of an environment together, each of which has a limit of its own; ms. */
const HANGS_AFTER = 1_800_000;

/** What is made up of them: shell text that stands behind `#!/bin/sh`. */
type Programs = Readonly<Record<string, string>>;

const BROKEN = 'echo "error while loading shared libraries" >&2; exit 127';
/** Docker's client without an engine; so it says, and so does the lack of a socket. */
const DOCKER = 'echo "Cannot connect to the Docker daemon" >&2; exit 1';

const environments: readonly (readonly [string, (redis: string, valkey: string) => Programs])[] = [
  ['without any of them', () => ({})],
  [
    'with Redis, Valkey, the client of Docker and flock',
    (redis, valkey) => ({
      'redis-server': redis,
      'valkey-server': valkey,
      docker: DOCKER,
      flock: 'exec /usr/bin/flock "$@"',
    }),
  ],
  ['with Valkey alone', (_, valkey) => ({ 'valkey-server': valkey })],
  ['with a Redis that does not run, and a flock that does not lock', () => ({ 'redis-server': BROKEN, flock: BROKEN })],
];

describe('The specs of servers', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-environment-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  it.each(environments)(
    'pass on a machine %s',
    async (_, programs) => {
      const wanted = defaultServerName();
      const redis = await shellTextOf(wanted.startsWith('redis') ? wanted : 'redis-7.0');
      const valkey = await shellTextOf(wanted.startsWith('valkey') ? wanted : 'valkey-8.1');
      const found = programs(redis, valkey);
      for (const [name, text] of Object.entries(found))
        await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
      await linkPrograms(folder, OPTIONAL);
      const { failures, passed, skipped } = await runSpecs(folder, Object.keys(found).length > 0 ? DOWNLOADS : []);
      expect(failures).toEqual([]);
      expect(passed).toBeGreaterThan(40);
      expect(skipped).toBe(Object.keys(found).length > 0 ? DOWNLOADS.length : 0);
    },
    HANGS_AFTER,
  );
});

/** What starts a server of that version. */
async function shellTextOf(server: ServerName): Promise<string> {
  const found = await findServer({ server });
  if (found.kind !== 'program') throw new Error('packages bring programs');
  return `exec ${found.command.map((part) => `'${part}'`).join(' ')} "$@"`;
}

interface Results {
  readonly numPassedTests: number;
  readonly numPendingTests: number;
  readonly testResults: readonly {
    readonly message: string;
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[];
  }[];
}

interface Outcome {
  readonly failures: readonly string[];
  readonly passed: number;
  readonly skipped: number;
}

/**
 * Runs the specs with a PATH of one folder, and nothing else that tells where servers come from.
 * @param leftOut what the names of specs hold that are left out
 */
async function runSpecs(path: string, leftOut: readonly string[]): Promise<Outcome> {
  const report = join(path, 'report.json');
  const env: NodeJS.ProcessEnv = { ...process.env, PATH: path };
  for (const name of ['REDIS_URL', 'REDIS_FROM', 'REDIS_SERVER', 'DOCKER_HOST']) delete env[name];
  const args = [runner, '--runInBand', '--json', '--outputFile', report, ...SPECS];
  if (leftOut.length > 0) args.push('--testNamePattern', `^(?!.*(${leftOut.join('|')}))`);
  await new Promise((done) => execFile(process.execPath, args, { cwd: repository, env }, done));
  const { numPassedTests, numPendingTests, testResults } = JSON.parse(await readFile(report, 'utf8')) as Results;
  const failures = testResults.flatMap(({ message, assertionResults }) =>
    message === ''
      ? []
      : [...assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => fullName), message],
  );
  return { failures, passed: numPassedTests, skipped: numPendingTests };
}

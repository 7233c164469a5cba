import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { parseArguments } from '../../infra/matrix/arguments';
import { serverNames } from '../../infra/servers';

const repository = resolve(__dirname, '../..');

describe('The arguments of the matrix', () => {
  const leavingOut = ['--testPathIgnorePatterns', 'million-commands', 'spec/server/processes'];

  it('mean all servers, and all specs that a server can change, when there are none', () => {
    expect(parseArguments([])).toEqual({ servers: serverNames, jest: ['spec/server', ...leavingOut] });
  });

  it.each([[['--servers', 'redis-6.0,valkey-9.1']], [['--servers=redis-6.0,valkey-9.1']]])(
    'choose servers: %j',
    (args) => {
      expect(parseArguments(args)).toEqual({
        servers: ['redis-6.0', 'valkey-9.1'],
        jest: ['spec/server', ...leavingOut],
      });
    },
  );

  it('choose specs by their paths, whatever would be left out otherwise', () => {
    const paths = ['spec/server/pubsub.spec.ts', 'spec/server/processes'];
    expect(parseArguments([...paths, '--servers', 'redis-8.0'])).toEqual({ servers: ['redis-8.0'], jest: paths });
  });

  it('pass on what is for Jest', () => {
    expect(parseArguments(['-t', 'subscribes', '--verbose']).jest).toEqual([
      ...['spec/server', '-t', 'subscribes', '--verbose'],
      ...leavingOut,
    ]);
    expect(parseArguments(['spec/server/pubsub.spec.ts', '-t', 'subscribes']).jest).toEqual([
      ...['spec/server/pubsub.spec.ts', '-t', 'subscribes'],
    ]);
  });

  it.each([
    [
      ['--servers', 'redis-5'],
      "--servers takes redis-6.0, redis-7.0, redis-8.0, redis-8.6, valkey-8.1, valkey-9.1, not 'redis-5'",
    ],
    [['--servers'], "not ''"],
    [['redis-6.0'], 'redis-6.0 is a server: --servers redis-6.0'],
  ])('are refused when they are wrong: %j', (args, why) => {
    expect(() => parseArguments(args)).toThrow(why);
  });
});

describe('npm run test:matrix', () => {
  const run = (...args: readonly string[]): Promise<{ code: unknown; stdout: string; stderr: string }> =>
    new Promise((done) => {
      const program = ['--import', 'tsx', 'infra/matrix/index.ts', ...args];
      execFile(process.execPath, program, { cwd: repository }, (error, stdout, stderr) =>
        done({ code: error?.code ?? 0, stdout, stderr }),
      );
    });

  it('runs the specs that are named on the servers that are named, and counts for each', async () => {
    const spec = 'spec/server/socket-options.spec.ts';
    const { code, stdout } = await run('--servers', 'redis-7.0,valkey-8.1', spec, '-t', 'readBufferSize');
    expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([
      expect.stringMatching(/^redis-7\.0 {4}[1-9]\d* passed, 0 failed, \d+ skipped$/),
      expect.stringMatching(/^valkey-8\.1 {3}[1-9]\d* passed, 0 failed, \d+ skipped$/),
    ]);
    expect(code).toBe(0);
  });

  it('fails when no spec was run', async () => {
    const { code, stdout } = await run(
      '--servers',
      'redis-7.0',
      'spec/server/socket-options.spec.ts',
      '-t',
      'no such spec',
    );
    expect([code, stdout]).toEqual([1, expect.stringContaining('redis-7.0    0 passed, 0 failed')]);
  });

  it('says what is wrong with its arguments', async () => {
    expect(await run('--servers', 'redis-5')).toMatchObject({
      code: 2,
      stdout: '',
      stderr: expect.stringMatching(/^--servers takes/) as string,
    });
  });
});

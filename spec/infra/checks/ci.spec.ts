import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

import nodes from '../../../infra/nodes/package.json';
import manifest from '../../../package.json';

const ROOT = resolve(__dirname, '../../..');
const script = join(ROOT, '.ci/run');
const workflow = (name: string) => readFileSync(join(ROOT, '.github/workflows', `${name}.yml`), 'utf8');

/** Runs `.ci/run` of a repository whose npm does what it is told; from elsewhere, as CI may. */
async function ci(npm: Readonly<Record<'ci' | 'test', string>>): Promise<{ code: number; last: string | undefined }> {
  const folder = await mkdtemp(join(tmpdir(), 'rxjs-redis-ci-'));
  const program = ['#!/usr/bin/env bash', 'case $1 in', `ci) ${npm.ci} ;;`, `test) ${npm.test} ;;`, 'esac'];
  try {
    for (const name of ['.ci', '.cache/checks', 'bin']) await mkdir(join(folder, name), { recursive: true });
    await copyFile(script, join(folder, '.ci/run'));
    await writeFile(join(folder, 'bin/npm'), `${program.join('\n')}\n`);
    await chmod(join(folder, 'bin/npm'), 0o755);
    await writeFile(join(folder, '.cache/checks/verdict.txt'), '99 passed, 0 failed\n');
    const env = { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` };
    return await new Promise((done) => {
      execFile(join(folder, '.ci/run'), { cwd: tmpdir(), env }, (error, stdout) =>
        done({ code: Number(error?.code ?? 0), last: stdout.trimEnd().split('\n').at(-1) }),
      );
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

const verdict = (text: string) => `echo '${text}' > .cache/checks/verdict.txt`;

describe('CI', () => {
  it('ends with the count of specs', async () => {
    const ran = await ci({ ci: 'true', test: verdict('12 passed, 0 failed, 2 skipped') });
    expect(ran).toStrictEqual({ code: 0, last: '12 passed, 0 failed, 2 skipped' });
  });

  it('takes servers from packages', async () => {
    const ran = await ci({ ci: 'true', test: 'echo "$REDIS_FROM passed, 0 failed" > .cache/checks/verdict.txt' });
    expect(ran).toStrictEqual({ code: 0, last: 'packages passed, 0 failed' });
  });

  it('fails when specs fail', async () => {
    const ran = await ci({ ci: 'true', test: `${verdict('10 passed, 10 failed')}; exit 1` });
    expect(ran).toStrictEqual({ code: 1, last: '10 passed, 10 failed' });
  });

  it('does not claim that nothing failed when something beside the specs did', async () => {
    const ran = await ci({ ci: 'true', test: `${verdict('12 passed, 0 failed')}; exit 7` });
    expect(ran).toStrictEqual({ code: 1, last: '12 passed, 1 failed' });
  });

  it('fails when the packages cannot be installed, whatever an earlier run left', async () => {
    const ran = await ci({ ci: 'exit 1', test: verdict('12 passed, 0 failed') });
    expect(ran).toStrictEqual({ code: 1, last: '0 passed, 1 failed' });
  });

  it('fails when the specs ended without a word', async () => {
    expect(await ci({ ci: 'true', test: 'true' })).toStrictEqual({ code: 1, last: '0 passed, 1 failed' });
  });
});

describe('The workflow of a public host', () => {
  it('runs CI on the oldest Node.js that is supported, and on each that infra/nodes pins', () => {
    const text = workflow('check');
    const oldest = Number(manifest.engines.node.replace('>=', ''));
    const pinned = Object.keys(nodes.dependencies).map((name) => Number(name.replace('node-', '')));
    expect(/node: \[(.*)\]/.exec(text)?.[1]?.split(', ').map(Number)).toEqual([oldest, ...pinned]);
    expect(text).toContain('node-version: ${{ matrix.node }}');
    expect(text).toMatch(/^ {6}- run: \.ci\/run$/m);
    expect(text).toMatch(/^ {2}pull_request:/m);
  });

  it('publishes what CI has passed, with provenance', () => {
    const text = workflow('release');
    expect(text).toMatch(/^ {2}id-token: write$/m);
    expect(text).toMatch(/- run: \.ci\/run\n {6}- run: npm publish --provenance/);
    expect(text).toMatch(/tags: \['v\*'\]/);
  });
});

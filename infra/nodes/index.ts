import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { installPinned } from '../install-pinned';

const REPOSITORY = resolve(__dirname, '../..');
const RUNNER = join(REPOSITORY, 'node_modules/jest/bin/jest.js');

/** What depends on how Node keeps contexts, timers and sockets. */
const DELICATE = [
  'async-context',
  'fake-timers',
  'reliability/busy-loop',
  'reliability/given-up-links',
  'reliability/refused-writes',
].map((name) => `spec/server/${name}.spec.ts`);

/** The built package, required and imported, and in an application of NestJS. */
const BUILT = ['entries', 'nest-versions', 'runtimes'].map((name) => `spec/build/${name}.spec.ts`);

/** Runs specs, those above where none are named, on each release of Node that the package.json of this folder pins. */
async function main(args: readonly string[]): Promise<void> {
  const specs = args.some((arg) => arg.startsWith('spec/')) ? [] : [...DELICATE, ...BUILT];
  const releases = Object.entries(await installPinned(__dirname));
  const lines = releases.map(([name, version]) => {
    console.log(`\n── Node ${version}`);
    const node = join(__dirname, 'node_modules', name, 'bin/node');
    const { status } = spawnSync(node, [RUNNER, ...specs, ...args], { cwd: REPOSITORY, stdio: 'inherit' });
    if (status !== 0) process.exitCode = 1;
    return `Node ${version.padEnd(9)} ${status === 0 ? 'passed' : 'failed'}`;
  });
  console.log(`\n${lines.join('\n')}`);
}

void main(process.argv.slice(2));

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { installRuntimes, installWorkers, type Runtime } from '../../infra/runtimes';
import { useServer } from '../support/server';
import { Consumer } from './consumer';
import { SMOKE } from './smoke-output';

describe('the built package', () => {
  const server = useServer({ own: true });
  let consumer: Consumer;
  let runtimes: readonly Runtime[];
  let miniflare: string;
  beforeAll(async () => {
    [consumer, runtimes] = await Promise.all([Consumer.create(), installRuntimes()]);
    miniflare = await installWorkers();
    for (const file of ['smoke.mjs', 'ioredis.mjs', 'worker.mjs', 'run-worker.mjs'])
      await cp(join(__dirname, file), join(consumer.folder, file));
  });
  afterAll(() => consumer?.delete());

  it.each(['node', 'bun', 'deno'])('does on %s what it does on Node.js', async (name) => {
    const { command } = runtimes.find((runtime) => runtime.name === name)!;
    const said = await consumer.runOn(command, ['smoke.mjs', server().url]);
    expect(said.replace(/smoke \d+/g, 'KEY')).toBe(SMOKE);
  });

  it.each(['node', 'bun', 'deno'])('has the shape of ioredis on %s', async (name) => {
    const { command } = runtimes.find((runtime) => runtime.name === name)!;
    const said = await consumer.runOn(command, ['ioredis.mjs', server().url]);
    expect(JSON.parse(said)).toEqual(['OK', [[null, 2]], 'heard', { type: 'Buffer', data: [50] }, true]);
  });

  // Its sockets take the memory of a chunk away, and nothing of a worker may be random before it is asked.
  it('works in a worker of Cloudflare', async () => {
    const outfile = join(consumer.folder, 'bundled-worker.mjs');
    await build({
      entryPoints: [join(consumer.folder, 'worker.mjs')],
      bundle: true,
      format: 'esm',
      outfile,
      external: ['node:*'],
      conditions: ['workerd', 'worker', 'browser'],
      mainFields: ['module', 'main'],
    });
    const said = await consumer.runOn([process.execPath], ['run-worker.mjs', miniflare, outfile, server().url]);
    expect(JSON.parse(said)).toEqual(['OK', 'ä', 'heard', true, [1, null]]);
  });
});

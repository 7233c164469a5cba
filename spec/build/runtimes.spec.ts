import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { installRuntimes, installWorkers, type Runtime } from '../../infra/runtimes';
import { useServer } from '../support/server';
import { Consumer } from './consumer';

/** Builds the package, installs runtimes; ms. */
const PREPARE_TIMEOUT = 240_000;

const SAID = `
one class: true
set and get: ["OK","ä"]
bytes: [195,164]
3 MB: true
10 000 at once: true
pipeline: ["OK",2,"2"]
multi: [3,"3"]
script: 4
error reply: [true,"WRONGTYPE"]
watch: ["OK"]
messages: ["first","second","third"]
blocking: ["KEY list","element"]
after a cut: "8"
time: [true,"unknown"]
refused: ["DISCONNECTED","unsent"]
pool: "8"
closed: "DISCONNECTED"`;

describe('the built package', () => {
  const server = useServer({ own: true });
  let consumer: Consumer;
  let runtimes: readonly Runtime[];
  let miniflare: string;
  beforeAll(async () => {
    [consumer, runtimes] = await Promise.all([Consumer.create(), installRuntimes()]);
    miniflare = await installWorkers();
    for (const file of ['smoke.mjs', 'worker.mjs', 'run-worker.mjs'])
      await cp(join(__dirname, file), join(consumer.folder, file));
  }, PREPARE_TIMEOUT);
  afterAll(() => consumer?.delete());

  it.each(['node', 'bun', 'deno'])('does on %s what it does on Node.js', async (name) => {
    const { command } = runtimes.find((runtime) => runtime.name === name)!;
    const said = await consumer.runOn(command, ['smoke.mjs', server().url]);
    expect(said.replace(/smoke \d+/g, 'KEY')).toBe(SAID.trim());
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

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { installRuntimes, type Runtime } from '../../infra/runtimes';
import pinned from '../../infra/runtimes/package.json';
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
  beforeAll(async () => {
    [consumer, runtimes] = await Promise.all([Consumer.create(), installRuntimes()]);
    await cp(join(__dirname, 'smoke.mjs'), join(consumer.folder, 'smoke.mjs'));
  }, PREPARE_TIMEOUT);
  afterAll(() => consumer?.delete());

  it.each(['node', ...Object.keys(pinned.dependencies)])('does on %s what it does on Node.js', async (name) => {
    const { command } = runtimes.find((runtime) => runtime.name === name)!;
    const said = await consumer.runOn(command, ['smoke.mjs', server().url]);
    expect(said.replace(/smoke \d+/g, 'KEY')).toBe(SAID.trim());
  });
});

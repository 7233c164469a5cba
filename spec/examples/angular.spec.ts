import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, mkdir, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { build } from 'esbuild';
import { shows, useWindows } from '../infra/page-window';
import { eventually, useClients } from '../support/clients';
import { useServer } from '../support/server';

const ROOT = resolve(__dirname, '../..');
const CACHE = join(ROOT, '.cache');

/** Builds both halves of the application. A folder of the project, where the server's half finds its packages. */
async function buildApplication(folder: string): Promise<{ server: string; browser: string }> {
  const common = { absWorkingDir: ROOT, bundle: true, format: 'esm', logLevel: 'silent' } as const;
  const [server, browser] = [join(folder, 'server.mjs'), join(folder, 'browser.js')];
  // What the package's own build has in place of it.
  const define = { __filename: JSON.stringify(server) };
  const at = (name: string) => [`spec/examples/angular/${name}.ts`];
  await Promise.all([
    build({ ...common, define, entryPoints: at('server'), platform: 'node', packages: 'external', outfile: server }),
    build({ ...common, entryPoints: at('browser'), platform: 'browser', outfile: browser }),
  ]);
  return { server, browser };
}

describe('The example of an application of Angular', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const open = useWindows();
  let folder: string;
  let application: ChildProcess;
  let url: string;
  beforeAll(async () => {
    await mkdir(CACHE, { recursive: true });
    folder = await mkdtemp(join(CACHE, 'angular-'));
    const built = await buildApplication(folder);
    application = spawn(process.execPath, [built.server, server().url, built.browser], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    [url] = (await once(createInterface(application.stdout!), 'line')) as [string];
  });
  afterAll(async () => {
    if (application.exitCode === null) {
      application.kill();
      await once(application, 'exit');
    }
    await rm(folder, { recursive: true });
  });

  it('renders on the server what Redis holds, and keeps it up to date in the browser', async () => {
    const redis = make(server().url);
    await redis.set('price', '17 <');
    const page = await (await fetch(url)).text();
    expect(page).toMatch(/<app-price .*<p>The price is <b>17 &lt;<\/b>\.<\/p><\/app-price>/);
    const window = await open(url);
    await shows(window, 'app-price p', 'The price is 17 <.');
    await redis.set('price', '18');
    await shows(window, 'app-price p', 'The price is 18.');
    const isTracked = async () => (await redis.clientList()).some(({ flags }) => String(flags).includes('t'));
    expect(await isTracked()).toBe(true);
    // The stream of the page was all that needed the query.
    await window.close();
    await eventually(isTracked, (tracked) => !tracked);
  });
});

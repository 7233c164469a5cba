import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { satisfies } from 'semver';
import { installPinned } from '../../infra/install-pinned';
import { installRuntimes } from '../../infra/runtimes';
import manifest from '../../package.json';
import { useServer } from '../support/server';
import { Consumer } from './consumer';

const ROOT = resolve(__dirname, '../..');
const NEST = join(ROOT, 'infra/nest');
const ITS_OWN = ['common', 'core', 'microservices', 'platform-socket.io'] as const;

/** What `nest.mjs` says. */
const SAID = `client true 1
health up
pubsub 3
pubsub heard
streams 3
streams heard
sockets to all
cache 1 1
throttler 200 429
terminus up
terminus down
closed closed`;

describe('the built package', () => {
  const server = useServer({ own: true });

  it.each([
    ['11', 'node', ROOT],
    ['12', 'node', NEST],
    ['11', 'bun', ROOT],
    ['11', 'deno', ROOT],
  ])(
    'serves an application of NestJS %s on %s: its client, transports, sockets, cache, throttler and health',
    async (version, name, home) => {
      const installed = home === NEST ? await installPinned(NEST) : manifest.devDependencies;
      for (const name of ITS_OWN) {
        const known = installed[`@nestjs/${name}`].replace('^', '');
        expect(satisfies(known, manifest.peerDependencies[`@nestjs/${name}`])).toBe(true);
      }
      const consumer = await Consumer.create();
      try {
        for (const name of ['@nestjs', 'reflect-metadata', 'rxjs'])
          await consumer.use(name, join(home, 'node_modules', name));
        await consumer.use('socket.io-client', join(ROOT, 'node_modules/socket.io-client'));
        await cp(join(__dirname, 'nest.mjs'), join(consumer.folder, 'nest.mjs'));
        const { command } = (await installRuntimes()).find((runtime) => runtime.name === name)!;
        const said = await consumer.runOn(command, ['nest.mjs', server().url]);
        expect(said).toBe(`NestJS ${version}\n${SAID}`);
      } finally {
        await consumer.delete();
      }
    },
  );
});

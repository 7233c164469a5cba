import { cp } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { satisfies } from 'semver';
import { installPinned } from '../../infra/install-pinned';
import manifest from '../../package.json';
import { useServer } from '../support/server';
import { Consumer } from './consumer';

const ROOT = resolve(__dirname, '../..');
const NEST = join(ROOT, 'infra/nest');
const ITS_OWN = ['common', 'core', 'microservices'] as const;

/** What `nest.mjs` says. */
const SAID = `client true 1
health up
pubsub 3
pubsub heard
streams 3
streams heard
keyv v
closed closed`;

describe('the built package', () => {
  const server = useServer({ own: true });

  it.each([
    ['11', ROOT],
    ['12', NEST],
  ])('serves an application of NestJS %s: its client, both transports, health and cache', async (version, home) => {
    const installed = home === NEST ? await installPinned(NEST) : manifest.devDependencies;
    for (const name of ITS_OWN) {
      const known = installed[`@nestjs/${name}`].replace('^', '');
      expect(satisfies(known, manifest.peerDependencies[`@nestjs/${name}`])).toBe(true);
    }
    const consumer = await Consumer.create();
    try {
      for (const name of ['@nestjs', 'reflect-metadata', 'rxjs'])
        await consumer.use(name, join(home, 'node_modules', name));
      await cp(join(__dirname, 'nest.mjs'), join(consumer.folder, 'nest.mjs'));
      const said = await consumer.runOn([process.execPath], ['nest.mjs', server().url]);
      expect(said).toBe(`NestJS ${version}\n${SAID}`);
    } finally {
      await consumer.delete();
    }
  });
});

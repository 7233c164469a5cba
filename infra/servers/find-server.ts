import type { Rung, RungName, ServerAtUrl, ServerProgram } from './rung';
import { debianPackagesRung } from './rungs/debian-packages';
import { dockerRung } from './rungs/docker';
import { pathRung } from './rungs/path';
import { urlRung } from './rungs/url';
import { defaultServerName, type ServerName } from './server-names';

export interface FindOptions {
  /** A version that is needed exactly: it comes from packages, or as an image where packages cannot be had. */
  readonly server?: ServerName;
  /** True when the server will be configured, stopped or restarted, which REDIS_URL's cannot be. */
  readonly own?: boolean;
}

/**
 * Finds the server that `startServer` would start, starting nothing (packages are unpacked if need be).
 *
 * The rungs, in order: REDIS_URL, a program on the PATH, Docker, Debian packages. REDIS_FROM forces one of
 * `url`, `path`, `docker`, `packages`.
 * @throws Error naming every rung with the reason it failed, and what to do
 */
export async function findServer(options: FindOptions = {}): Promise<ServerAtUrl | ServerProgram> {
  const server = options.server ?? defaultServerName();
  const refusals: string[] = [];
  for (const rung of rungsFor(options)) {
    try {
      return await rung.find({ server });
    } catch (error) {
      refusals.push(`  ${TITLES[rung.name]}: ${(error as Error).message}`);
    }
  }
  throw new Error(['No Redis server can be had. Tried:', ...refusals, advice()].join('\n'));
}

const TITLES: Readonly<Record<RungName, string>> = {
  url: 'REDIS_URL',
  path: 'PATH',
  docker: 'Docker',
  packages: 'Debian packages',
};

const RUNGS: readonly Rung[] = [urlRung, pathRung, dockerRung, debianPackagesRung];

/** Only these can bring a version of choice; packages first, they need no engine. */
const EXACT_RUNGS: readonly Rung[] = [debianPackagesRung, dockerRung];

function rungsFor({ server, own }: FindOptions): readonly Rung[] {
  const forced = forcedRung();
  const able =
    server === undefined ? RUNGS.map((rung) => (own === true && rung === urlRung ? notMine : rung)) : EXACT_RUNGS;
  const chosen = able.filter((rung) => forced === null || rung.name === forced);
  // A rung that cannot choose a version is not meant when one is named.
  return chosen.length > 0 ? chosen : able;
}

/** Stands in for REDIS_URL's rung where the server must be the caller's own. */
const notMine: Rung = {
  name: 'url',
  find: () => Promise.reject(new Error('cannot serve here: a server that is configured or stopped must be our own')),
};

function forcedRung(): RungName | null {
  const forced = process.env.REDIS_FROM;
  if (!forced) return null;
  if (!(forced in TITLES)) throw new Error(`REDIS_FROM=${forced} is not one of ${Object.keys(TITLES).join(', ')}`);
  return forced as RungName;
}

function advice(): string {
  const forced = forcedRung();
  const unforce = forced === null ? '' : ` REDIS_FROM=${forced} forbids the others: unset it.`;
  return `Set REDIS_URL, install redis-server, start Docker, or let apt reach a Debian mirror.${unforce}`;
}

import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { ask } from './ask';
import { findServer } from './find-server';
import { choosePlace, type Place } from './port';
import { RunningProgram } from './running-program';
import type { RunningServer } from './running-server';
import type { ServerName } from './server-names';
import { startServer } from './start-server';

export interface SentinelsOptions {
  /** A version that is needed exactly. */
  readonly server?: ServerName;
  /** Takes the line that says where the servers come from; stderr otherwise. */
  readonly log?: (line: string) => void;
  /** Arguments of the master and the replicas, such as `['--requirepass', 'secret', '--masterauth', 'secret']`. */
  readonly args?: readonly string[];
  /** Lines of the sentinels' configuration, such as `requirepass secret` or `sentinel auth-pass mymaster secret`. */
  readonly configuration?: readonly string[];
  /** How long a server may be silent before a sentinel holds it to be down, ms. */
  readonly downAfter?: number;
  /** How long a failover may take, ms; after twice as long another is tried. */
  readonly failoverTimeout?: number;
  /** Signs in to the master and the replicas: what comes before every question, such as `['AUTH', 'secret']`. */
  readonly signIn?: readonly string[];
  /** The same for the sentinels. */
  readonly sentinelSignIn?: readonly string[];
}

/** A master with two replicas, and three sentinels that watch them. */
export interface SentinelTrio {
  /** The name under which the sentinels know the master. */
  readonly service: string;
  /** The master as it was started, and its replicas; a failover changes their roles. */
  readonly servers: readonly [RunningServer, RunningServer, RunningServer];
  readonly sentinels: readonly [RunningServer, RunningServer, RunningServer];
  /** Ends them all, and deletes their folders. */
  stop(): Promise<void>;
}

const SERVICE = 'mymaster';
/** Two of three sentinels have to agree. */
const QUORUM = 2;
/** What is not ready after so many ms never will be. */
const PATIENCE = 60_000;
const LOOK_AGAIN = 20;
const ANSWER_TIMEOUT = 10_000;

/**
 * Starts a master, two replicas and three sentinels on 127.0.0.1, which end, at the latest, with this process. They are ready when the replicas
 * get what the master writes, and every sentinel knows that and all others: within five seconds, most of which the replicas take.
 * @throws Error when one of them cannot be had, or they do not find each other
 */
export async function startSentinels(options: SentinelsOptions = {}): Promise<SentinelTrio> {
  const running: RunningServer[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(running.map((server) => server.stop()));
  };
  try {
    const servers = await startServers(options, running);
    const sentinels = await startThree(options, servers, running);
    await untilAgreed(sentinels, options.sentinelSignIn);
    return { service: SERVICE, servers, sentinels, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

type Three = readonly [RunningServer, RunningServer, RunningServer];

/** A replica that asks sooner than after a second, and a master that does not wait for further ones, save seconds. */
const SOON = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'];

async function startServers(options: SentinelsOptions, running: RunningServer[]): Promise<Three> {
  const { server, args = [], signIn, log } = options;
  const named = { ...(server !== undefined && { server }), ...(log !== undefined && { log }) };
  const start = async (own: readonly string[]): Promise<RunningServer> => {
    const started = await startServer({ ...named, args: [...SOON, ...args, ...own] });
    running.push(started);
    return started;
  };
  const master = await start([]);
  const follow = ['--replicaof', '127.0.0.1', String(master.port)];
  const [one, other] = await Promise.all([start(follow), start(follow)]);
  // By their own word: a master holds a replica to be online that has yet to load its first copy (Valkey 9.1, for a second).
  await until('the replicas follow the master', async () => {
    const told = await Promise.all([one, other].map((replica) => question(replica, ['INFO', 'replication'], signIn)));
    return told.every((info) => info.includes('master_link_status:up'));
  });
  // Up to a second later on a busy machine: a master that has not noticed yet that a first copy is through (its child has ended) misses what the
  // replica acknowledges then, and keeps what it writes until the replica says so again. A failover would lose all of that.
  await until('the replicas get what the master writes', async () => {
    const written = [
      ['PUBLISH', 'ready', ''],
      ['WAIT', '2', '1000'],
    ];
    return (await answers(master, written, signIn)).at(-1) === '2';
  });
  return [master, one, other];
}

async function startThree(options: SentinelsOptions, servers: Three, running: RunningServer[]): Promise<Three> {
  const found = await findServer({ own: true, ...(options.server !== undefined && { server: options.server }) });
  if (found.kind !== 'program') throw new Error('a sentinel is a program of our own');
  const places = await Promise.all([choosePlace(), choosePlace(), choosePlace()]);
  const known = places.map((place) => ({ place, id: randomBytes(20).toString('hex') }));
  const start = async ({ place, id }: KnownSentinel): Promise<RunningServer> => {
    const others = known.filter((other) => other.place !== place);
    await writeFile(join(place.folder, FILE), configurationOf(options, id, servers, others));
    const sentinel = new RunningProgram(found, place, [FILE, '--sentinel']);
    running.push(sentinel);
    await sentinel.start();
    return sentinel;
  };
  return Promise.all(known.map(start)) as unknown as Promise<Three>;
}

interface KnownSentinel {
  readonly place: Place;
  readonly id: string;
}

/** A sentinel writes into its configuration what it has learnt. */
const FILE = 'sentinel.conf';

/** All know each other from the beginning: to find out by themselves takes them two seconds. */
function configurationOf(
  { downAfter = 500, failoverTimeout = 5_000, configuration = [] }: SentinelsOptions,
  id: string,
  [master, ...replicas]: Three,
  others: readonly KnownSentinel[],
): string {
  const lines = [
    `sentinel myid ${id}`,
    `sentinel monitor ${SERVICE} 127.0.0.1 ${master.port} ${QUORUM}`,
    `sentinel down-after-milliseconds ${SERVICE} ${downAfter}`,
    `sentinel failover-timeout ${SERVICE} ${failoverTimeout}`,
    ...replicas.map(({ port }) => `sentinel known-replica ${SERVICE} 127.0.0.1 ${port}`),
    ...others.map((other) => `sentinel known-sentinel ${SERVICE} 127.0.0.1 ${other.place.port} ${other.id}`),
    ...configuration,
  ];
  return lines.map((line) => `${line}\n`).join('');
}

function untilAgreed(sentinels: Three, signIn: readonly string[] | undefined): Promise<void> {
  const ask = (...command: readonly string[]) =>
    Promise.all(sentinels.map((sentinel) => question(sentinel, command, signIn)));
  return until('the sentinels agree', async () => {
    const told = await ask('INFO', 'sentinel');
    if (!told.every((info) => /^master0:.*status=ok,.*slaves=2,sentinels=3/m.test(info))) return false;
    // They have the replicas from their configuration, and promote none that has not told them of its link yet.
    const replicas = await ask('SENTINEL', 'REPLICAS', SERVICE);
    return replicas.every((all) => all.match(/master-link-status ok/g)?.length === 2);
  });
}

async function question(
  server: RunningServer,
  command: readonly string[],
  signIn: readonly string[] | undefined,
): Promise<string> {
  return (await answers(server, [command], signIn)).at(-1) ?? '';
}

function answers(
  server: RunningServer,
  commands: readonly (readonly string[])[],
  signIn: readonly string[] | undefined,
): Promise<string[]> {
  return ask(server, [...(signIn === undefined ? [] : [signIn]), ...commands], ANSWER_TIMEOUT);
}

async function until(what: string, is: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!(await is())) {
    if (Date.now() > deadline) throw new Error(`not within ${PATIENCE} ms: ${what}`);
    await delay(LOOK_AGAIN);
  }
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { call } from 'rxjs-redis/commands';
import type { RunningServer } from '../../../../infra/servers';
import { useServer } from '../../../support/server';
import { cleanCluster } from '../cluster-calls';
import { codeOf } from '../known-to';
import { RawSession } from '../raw-session';
import { cleanSentinel } from '../sentinel-calls';
import type { Stage } from './run-twice';
import { Observer } from './server-state';

/** A server with all that a run needs of it. */
export interface OnStage {
  readonly stage: Stage;
  readonly code: string;
}

type Steps = readonly (readonly [string, ...string[]])[];

/** Settings that calls change, and what they are to begin with. */
const SETTINGS = {
  'maxmemory-policy': 'noeviction',
  'slowlog-max-len': '128',
  'client-output-buffer-limit': 'pubsub 33554432 8388608 60',
  save: '',
  'notify-keyspace-events': '',
  'import-mode': 'no',
};

/** Nothing is logged that only a slow machine would log. */
const QUIET: Steps = [
  ['CONFIG', 'SET', 'slowlog-log-slower-than', '-1'],
  ['CONFIG', 'SET', 'latency-monitor-threshold', '0'],
];

const CLEANING: Steps = [
  ['REPLICAOF', 'NO', 'ONE'],
  ['FLUSHALL'],
  ['CLIENT', 'UNPAUSE'],
  ['ACL', 'DELUSER', 'alice', 'text'],
  ['ACL', 'LOG', 'RESET'],
  ['FUNCTION', 'FLUSH'],
  ['SCRIPT', 'FLUSH'],
  ['HOTKEYS', 'STOP'],
  ['HOTKEYS', 'RESET'],
  ...Object.entries(SETTINGS).map(([name, value]) => ['CONFIG', 'SET', name, value] as const),
  ...QUIET,
  ['SLOWLOG', 'RESET'],
  ['COMMANDLOG', 'RESET', 'SLOW'],
  ['LATENCY', 'RESET'],
];

/** Takes steps of which a server may not know each. */
function takes(steps: Steps): (session: RawSession) => Promise<unknown> {
  return (session) =>
    Promise.all(
      steps.map(([name, ...args]) => Promise.resolve(session.run(call(name, ...args))).catch(() => undefined)),
    );
}

/** A server on its own, with files for its settings and users. */
export function usePlainServer(): () => OnStage {
  const folder = mkdtempSync(join(tmpdir(), 'rxjs-redis-repetition-'));
  writeFileSync(join(folder, 'server.conf'), `aclfile ${folder}/users.acl\n`);
  writeFileSync(join(folder, 'users.acl'), '');
  afterAll(() => rmSync(folder, { recursive: true }));
  const server = useServer({ args: [join(folder, 'server.conf')] });
  return useStage(server, { databases: [0, 1], hasKeys: true, clean: takes(CLEANING), quiet: takes(QUIET) });
}

/** A cluster of one node. */
export function useCluster(): () => OnStage {
  const server = useServer({ args: ['--cluster-enabled', 'yes'] });
  return useStage(server, { databases: [0], hasKeys: true, clean: cleanCluster, quiet: takes(QUIET) });
}

/** A Sentinel that watches a master. */
export function useSentinel(master: () => RunningServer): () => OnStage {
  const folder = mkdtempSync(join(tmpdir(), 'rxjs-redis-repetition-'));
  writeFileSync(join(folder, 'sentinel.conf'), '');
  afterAll(() => rmSync(folder, { recursive: true }));
  const server = useServer({ args: [join(folder, 'sentinel.conf'), '--sentinel'] });
  const clean = (session: RawSession): Promise<void> => cleanSentinel(master())(session);
  return useStage(server, { databases: [0], hasKeys: false, clean, quiet: () => Promise.resolve() });
}

function useStage(
  server: () => { host: string; port: number },
  { databases, ...stage }: Omit<Stage, 'address' | 'observer'> & { databases: readonly number[] },
): () => OnStage {
  let onStage: OnStage;
  beforeAll(async () => {
    const session = await RawSession.open(server(), { protocol: 2 });
    const code = await codeOf(session);
    session.close();
    onStage = { code, stage: { ...stage, address: server(), observer: await Observer.open(server(), databases) } };
  });
  afterAll(() => onStage.stage.observer.close());
  return () => onStage;
}

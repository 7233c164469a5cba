import type { Redis, RedisOptions, ServerAddress } from 'rxjs-redis';
import type { RunningServer } from '../../infra/servers';
import { useClients } from './clients';
import { untilReplicating } from './replicating';
import { useScriptedSentinels, type ScriptedSentinel } from './scripted-sentinel';
import { useServer } from './server';
import { until } from './until';

/** A master and a replica, both real, whose roles are swapped at once, and a scripted sentinel that tells of it. */
export interface SwappingMasters {
  readonly service: string;
  readonly sentinel: ScriptedSentinel;
  /** clients of the servers themselves, for what a spec does behind the back of the client under test: the master first */
  readonly admins: readonly [Redis, Redis];
  readonly servers: readonly [RunningServer, RunningServer];
  /** what a client behind the sentinel is made with */
  readonly options: RedisOptions;
  /** Promotes the replica. The old master stays one, as it does for seconds after a failover, until `demote`. */
  readonly promote: () => Promise<void>;
  /** Tells of the switch. */
  readonly tell: () => void;
  /** Makes the old master a replica of the new one. */
  readonly demote: () => Promise<void>;
}

const SERVICE = 'mymaster';
const placeOf = ({ host, port }: RunningServer): ServerAddress => ({ host, port });

/** Two servers for the specs of a file, and a sentinel for each spec; the first is the master when a spec begins. */
export function useSwappingMasters(args: readonly string[] = []): () => Promise<SwappingMasters> {
  // The master does not wait for further replicas.
  const options = { args: ['--repl-diskless-sync-delay', '0', ...args] };
  const servers = [useServer(options), useServer(options)] as const;
  const client = useClients();
  const scripted = useScriptedSentinels();
  // A spec that stops one may fail before it lets it go on.
  afterEach(() => Promise.all(servers.map((server) => server().kill('SIGCONT'))));
  return async () => {
    const [master, replica] = [servers[0](), servers[1]()];
    const admins = [client(master.url), client(replica.url)] as const;
    await admins[0].call('REPLICAOF', 'NO', 'ONE');
    await admins[0].flushall();
    await admins[1].call('REPLICAOF', master.host, master.port);
    await untilReplicating(admins[1], admins[0]);
    const sentinel = await scripted({ master: placeOf(master) });
    return {
      service: SERVICE,
      sentinel,
      admins,
      servers: [master, replica],
      options: { sentinels: [sentinel.address], service: SERVICE },
      async promote() {
        await admins[1].call('REPLICAOF', 'NO', 'ONE');
        Object.assign(sentinel.says, { master: placeOf(replica), epoch: sentinel.says.epoch + 1 });
      },
      tell() {
        const words = `${SERVICE} ${master.host} ${master.port} ${replica.host} ${replica.port}`;
        sentinel.tell('+switch-master', words);
      },
      async demote() {
        await admins[0].call('REPLICAOF', replica.host, replica.port);
      },
    };
  };
}

/** Resolves once a server has so many clients that wait there. */
export async function untilBlocked(admin: Redis, clients = 1): Promise<void> {
  const blocked = async () => /blocked_clients:(\d+)/.exec(await admin.call<string>('INFO', 'clients'))?.[1];
  while ((await blocked()) !== String(clients));
}

/** Resolves once the client listens to the sentinel. */
export function untilHeard(sentinel: ScriptedSentinel): Promise<void> {
  return until(() => sentinel.listeners > 0);
}

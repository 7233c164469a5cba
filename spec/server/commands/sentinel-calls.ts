import { eventually } from '../../support/clients';
import type { Call } from './compare';
import type { RawSession } from './raw-session';

interface Address {
  readonly host: string;
  readonly port: number;
}

/** The Sentinel watches one service, whose master it has just talked to. */
export const cleanSentinel =
  (master: Address) =>
  async (session: RawSession): Promise<void> => {
    if ((await session.sentinelMasters()).some(({ name }) => name === 'mymaster')) return;
    await session.sentinelMonitor('mymaster', master.host, master.port, 1);
    await eventually(
      () => session.sentinelMaster('mymaster'),
      ({ flags, 'info-refresh': age }) => flags === 'master' && Number(age) < 60_000,
    );
  };

const SERVICE: readonly Call[] = [['mymaster']];

/** Calls of Sentinel's commands, where this master is watched. */
export const sentinelCalls = (master: Address): Readonly<Record<string, readonly Call[]>> => ({
  'SENTINEL CKQUORUM': SERVICE,
  'SENTINEL CONFIG': [
    ['GET', 'announce-*'],
    ['SET', { 'announce-hostnames': 'no' }],
  ],
  'SENTINEL DEBUG': [[], [{ 'info-period': 10_000 }]],
  'SENTINEL FAILOVER': SERVICE,
  'SENTINEL FLUSHCONFIG': [[]],
  'SENTINEL GET-MASTER-ADDR-BY-NAME': [['mymaster'], ['nobody']],
  'SENTINEL GET-PRIMARY-ADDR-BY-NAME': [['mymaster'], ['nobody']],
  'SENTINEL HELP': [[]],
  'SENTINEL INFO-CACHE': [['mymaster']],
  'SENTINEL IS-MASTER-DOWN-BY-ADDR': [
    [master.host, master.port, 0, '*'],
    // Asks for a vote.
    [master.host, master.port, 1000, 'a'.repeat(40)],
  ],
  'SENTINEL IS-PRIMARY-DOWN-BY-ADDR': [
    [master.host, master.port, 0, '*'],
    // Asks for a vote.
    [master.host, master.port, 1000, 'a'.repeat(40)],
  ],
  'SENTINEL MASTER': SERVICE,
  'SENTINEL MASTERS': [[]],
  'SENTINEL MONITOR': [
    async (session) => {
      await Promise.resolve(session.sentinelRemove('other')).catch(() => undefined);
      return ['other', master.host, master.port, 1];
    },
  ],
  'SENTINEL MYID': [[]],
  'SENTINEL PENDING-SCRIPTS': [[]],
  'SENTINEL PRIMARIES': [[]],
  'SENTINEL PRIMARY': SERVICE,
  'SENTINEL REMOVE': SERVICE,
  'SENTINEL REPLICAS': SERVICE,
  'SENTINEL RESET': [['nobody*']],
  'SENTINEL SENTINELS': SERVICE,
  'SENTINEL SET': [
    ['mymaster', 'down-after-milliseconds', 5_000],
    ['mymaster', { quorum: 1, 'failover-timeout': 60_000 }],
  ],
  'SENTINEL SIMULATE-FAILURE': [['help']],
  'SENTINEL SLAVES': SERVICE,
});

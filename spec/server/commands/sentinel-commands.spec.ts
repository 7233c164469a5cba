import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { models } from '../../../gen/generate';
import { eventually } from '../../support/clients';
import { useServer } from '../../support/server';
import { expectSameAnswers, type Call } from './compare';
import { codeOf, isKnownTo } from './known-to';
import { RawSession } from './raw-session';

const folder = mkdtempSync(join(tmpdir(), 'rxjs-redis-sentinel-'));
writeFileSync(join(folder, 'sentinel.conf'), '');
afterAll(() => rmSync(folder, { recursive: true }));

const master = useServer({ own: true });
const server = useServer({ args: [join(folder, 'sentinel.conf'), '--sentinel'] });

let code = '';

beforeAll(async () => {
  const session = await RawSession.open(server(), { protocol: 2 });
  code = await codeOf(session);
  session.close();
});

/** The Sentinel watches one service, whose master it has just talked to. */
async function clean(session: RawSession): Promise<void> {
  if ((await session.sentinelMasters()).some(({ name }) => name === 'mymaster')) return;
  await session.sentinelMonitor('mymaster', master().host, master().port, 1);
  await eventually(
    () => session.sentinelMaster('mymaster'),
    ({ flags, 'info-refresh': age }) => flags === 'master' && Number(age) < 60_000,
  );
}

const SERVICE: readonly Call[] = [['mymaster']];

const CALLS: Readonly<Record<string, () => readonly Call[]>> = {
  'SENTINEL CKQUORUM': () => SERVICE,
  'SENTINEL CONFIG': () => [
    ['GET', 'announce-*'],
    ['SET', { 'announce-hostnames': 'no' }],
  ],
  'SENTINEL DEBUG': () => [[], [{ 'info-period': 10_000 }]],
  'SENTINEL FAILOVER': () => SERVICE,
  'SENTINEL FLUSHCONFIG': () => [[]],
  'SENTINEL GET-MASTER-ADDR-BY-NAME': () => [['mymaster'], ['nobody']],
  'SENTINEL GET-PRIMARY-ADDR-BY-NAME': () => [['mymaster'], ['nobody']],
  'SENTINEL HELP': () => [[]],
  'SENTINEL INFO-CACHE': () => [['mymaster']],
  'SENTINEL IS-MASTER-DOWN-BY-ADDR': () => [[master().host, master().port, 0, '*']],
  'SENTINEL IS-PRIMARY-DOWN-BY-ADDR': () => [[master().host, master().port, 0, '*']],
  'SENTINEL MASTER': () => SERVICE,
  'SENTINEL MASTERS': () => [[]],
  'SENTINEL MONITOR': () => [
    async (session) => {
      await Promise.resolve(session.sentinelRemove('other')).catch(() => undefined);
      return ['other', master().host, master().port, 1];
    },
  ],
  'SENTINEL MYID': () => [[]],
  'SENTINEL PENDING-SCRIPTS': () => [[]],
  'SENTINEL PRIMARIES': () => [[]],
  'SENTINEL PRIMARY': () => SERVICE,
  'SENTINEL REMOVE': () => SERVICE,
  'SENTINEL REPLICAS': () => SERVICE,
  'SENTINEL RESET': () => [['nobody*']],
  'SENTINEL SENTINELS': () => SERVICE,
  'SENTINEL SET': () => [
    ['mymaster', 'down-after-milliseconds', 5_000],
    ['mymaster', { quorum: 1, 'failover-timeout': 60_000 }],
  ],
  'SENTINEL SIMULATE-FAILURE': () => [['help']],
  'SENTINEL SLAVES': () => SERVICE,
};

describe.each(
  models()
    .filter(({ facts }) => facts.group === 'sentinel')
    .map((model) => [model.method, model] as const),
)('%s', (_method, model) => {
  it('answers the same in RESP2 and RESP3, as strings and as bytes', async () => {
    if (!isKnownTo(code, model.facts)) return;
    const calls = CALLS[model.facts.name]?.() ?? [];
    await expectSameAnswers(model, calls, { address: server(), clean });
  });
});

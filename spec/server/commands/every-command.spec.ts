import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { models } from '../../../gen/generate';
import { samplesOf } from '../../../gen/samples';
import { useServer } from '../../support/server';
import { expectSameAnswers } from './compare';
import { ELSEWHERE } from './elsewhere';
import { codeOf, isKnownTo } from './known-to';
import { RawSession } from './raw-session';
import { SCENARIOS } from './scenarios';

/** Commands whose outcome depends on the call before, so that only what a scenario prepares can be compared. */
const PREPARED_ONLY = new Set(['HOTKEYS RESET', 'HOTKEYS STOP', 'SCRIPT DEBUG']);

const folder = mkdtempSync(join(tmpdir(), 'rxjs-redis-commands-'));
writeFileSync(join(folder, 'server.conf'), `aclfile ${folder}/users.acl\n`);
writeFileSync(join(folder, 'users.acl'), '');
afterAll(() => rmSync(folder, { recursive: true }));

const server = useServer({ args: [join(folder, 'server.conf')] });

let code = '';
beforeAll(async () => {
  const session = await RawSession.open(server(), { protocol: 2 });
  code = await codeOf(session);
  session.close();
});

async function clean(session: RawSession): Promise<void> {
  await session.flushall();
  await session.configSet('maxmemory-policy', 'noeviction');
}

/** Replication from a made-up master, and DEBUG with made-up arguments, would end what follows. */
function isHarmless(name: string, args: readonly unknown[]): boolean {
  if (name === 'REPLICAOF' || name === 'SLAVEOF') return args.length < 2;
  return name !== 'DEBUG' || args.length === 0;
}

describe.each(models().map((model) => [model.method, model] as const))('%s', (_method, model) => {
  const { name, group } = model.facts;
  if (ELSEWHERE.has(name) || group === 'cluster' || group === 'sentinel') return;
  const samples = PREPARED_ONLY.has(name) ? [] : samplesOf(model).map(({ args }) => args);
  const calls = [...(SCENARIOS[name] ?? []), ...samples.filter((args) => isHarmless(name, args))];

  it('answers the same in RESP2 and RESP3, as strings and as bytes', async () => {
    if (isKnownTo(code, model.facts)) await expectSameAnswers(model, calls, { address: server(), clean });
  });
});

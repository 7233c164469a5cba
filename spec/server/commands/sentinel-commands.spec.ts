import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { models } from '../../../gen/generate';
import { useServer } from '../../support/server';
import { expectSameAnswers } from './compare';
import { codeOf, isKnownTo } from './known-to';
import { RawSession } from './raw-session';
import { cleanSentinel, sentinelCalls } from './sentinel-calls';

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

describe.each(
  models()
    .filter(({ facts }) => facts.group === 'sentinel')
    .map((model) => [model.method, model] as const),
)('%s', (_method, model) => {
  it('answers the same in RESP2 and RESP3, as strings and as bytes', async () => {
    if (!isKnownTo(code, model.facts)) return;
    const calls = sentinelCalls(master())[model.facts.name] ?? [];
    await expectSameAnswers(model, calls, { address: server(), clean: cleanSentinel(master()) });
  });
});

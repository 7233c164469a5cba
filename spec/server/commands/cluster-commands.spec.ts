import { models } from '../../../gen/generate';
import { useServer } from '../../support/server';
import { cleanCluster, clusterCalls } from './cluster-calls';
import { expectSameAnswers } from './compare';
import { codeOf, isKnownTo } from './known-to';
import { RawSession } from './raw-session';

const server = useServer({ args: ['--cluster-enabled', 'yes'] });

let code = '';
let id = '';

beforeAll(async () => {
  const session = await RawSession.open(server(), { protocol: 2 });
  code = await codeOf(session);
  id = await session.clusterMyid();
  session.close();
});

describe.each(
  models()
    .filter(({ facts }) => facts.group === 'cluster')
    .map((model) => [model.method, model] as const),
)('%s', (_method, model) => {
  it('answers the same in RESP2 and RESP3, as strings and as bytes', async () => {
    if (!isKnownTo(code, model.facts)) return;
    const calls = clusterCalls(id)[model.facts.name] ?? [];
    await expectSameAnswers(model, calls, { address: server(), clean: cleanCluster });
  });
});

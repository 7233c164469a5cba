import type { CommandModel } from '../../../gen/model';
import { models } from '../../../gen/generate';
import { REFUSED } from '../../../gen/refused';
import { replaysOf } from '../../../gen/model';
import { SPECS } from '../../../src/commands/generated/registry';
import { useServer } from '../../support/server';
import { clusterCalls } from './cluster-calls';
import { ELSEWHERE } from './elsewhere';
import { isKnownTo } from './known-to';
import { RawSession } from './raw-session';
import { callsOf, type Call } from './repetition/calls';
import { expectAsClaimed, hasEffect } from './repetition/differences';
import { runTwice, type Twice } from './repetition/run-twice';
import { type OnStage, useCluster, usePlainServer, useSentinel } from './repetition/stages';
import { UNLIKE, UNSEEN } from './repetition/unlike';
import { sentinelCalls } from './sentinel-calls';

/** Runs all calls of a command twice; what may be repeated has to be among them, answered, and with something to see. */
async function expectRepeatable(model: CommandModel, calls: readonly Call[], { stage, code }: OnStage): Promise<void> {
  if (!isKnownTo(code, model.facts)) return;
  const { name } = model.facts;
  const writes = model.facts.rt.access === 'write';
  const all: Twice[] = [];
  for (const what of calls) {
    for (const withFixtures of writes && typeof what !== 'function' ? [true, false] : [true]) {
      const twice = await runTwice(stage, model, what, { withFixtures });
      if (twice === undefined) continue;
      expectAsClaimed(name, twice);
      all.push(twice);
    }
  }
  for (const replay of replaysOf(model)) {
    if (replay !== 'read' && replay !== 'same') continue;
    const claimed = all.filter(({ built }) => built === replay);
    const isAnswered = claimed.some(
      ({ first: { outcome } }) => 'value' in outcome || REFUSED[name]?.says.test(outcome.refused),
    );
    expect({ name, replay, isAnswered }).toEqual({ name, replay, isAnswered: true });
    if (replay === 'read') continue;
    expect({ name, isSeenToChangeSomething: claimed.some(hasEffect) }).toEqual({
      name,
      isSeenToChangeSomething: UNSEEN[name] === undefined,
    });
  }
}

const title = 'does on its second run what its facts claim';
const all = models();

describe('A command', () => {
  const onStage = usePlainServer();
  const here = all.filter(
    ({ facts: { name, group } }) => !ELSEWHERE.has(name) && group !== 'cluster' && group !== 'sentinel',
  );
  describe.each(here.map((model) => [model.method, model] as const))('%s', (_method, model) => {
    it(title, () => expectRepeatable(model, callsOf(model), onStage()));
  });
});

describe('A claim', () => {
  it('is made of no command that is not run here', () => {
    const run = new Set(all.map(({ facts }) => facts.name).filter((name) => !ELSEWHERE.has(name)));
    const claimed = SPECS.filter(({ replay }) => replay === 'read' || replay === 'same').map(({ name }) => name);
    expect(claimed.filter((name) => !run.has(name))).toEqual([]);
  });

  it('has exceptions for commands that there are', () => {
    const names = new Set(all.map(({ facts }) => facts.name));
    expect([...Object.keys(UNLIKE), ...Object.keys(UNSEEN)].filter((name) => !names.has(name))).toEqual([]);
  });
});

describe('A command of a cluster', () => {
  const onStage = useCluster();
  let id = '';
  beforeAll(async () => {
    const session = await RawSession.open(onStage().stage.address, { protocol: 2 });
    id = await session.clusterMyid();
    session.close();
  });
  const here = all.filter(({ facts }) => facts.group === 'cluster');
  describe.each(here.map((model) => [model.method, model] as const))('%s', (_method, model) => {
    it(title, () => expectRepeatable(model, clusterCalls(id)[model.facts.name] ?? [], onStage()));
  });
});

describe('A command of a Sentinel', () => {
  const master = useServer({ own: true });
  const onStage = useSentinel(master);
  const here = all.filter(({ facts }) => facts.group === 'sentinel');
  describe.each(here.map((model) => [model.method, model] as const))('%s', (_method, model) => {
    it(title, () => expectRepeatable(model, sentinelCalls(master())[model.facts.name] ?? [], onStage()));
  });
});

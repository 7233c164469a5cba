import { models } from '../../../gen/generate';
import { samplesOf } from '../../../gen/samples';
import * as builders from '../../../src/commands';
import type { Command } from '../../../src/commands/command';
import { keysOf } from '../../../src/commands/prefix';
import { liveCommands } from '../../../src/freshness/live-options';
import { record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';
import { codeOf, isKnownTo } from '../commands/known-to';
import { fixturesFor } from '../commands/scenarios';

const server = useServer();
const make = useClients();
const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;

function isFollowed(command: Command): boolean {
  try {
    liveCommands(command);
    return true;
  } catch {
    return false;
  }
}

/** Scripts need one to run (`live.spec.ts`); the frequency of a key is there in one mode of eviction alone. */
const PARTICULAR = /^(EVAL|EVALSHA|FCALL)_RO$|^OBJECT FREQ$/;

/** Each command of which live queries are possible, and the calls that are made up for it. */
const all = models()
  .map((model) => ({
    model,
    calls: samplesOf(model)
      .map(({ method, args }) => byName[method]!(...args))
      .filter(isFollowed),
  }))
  .filter(({ model, calls }) => calls.length > 0 && !PARTICULAR.test(model.facts.name))
  .map((one) => [one.model.facts.name, one] as const);

describe('A live query', () => {
  it('is possible of commands that a server takes for reads, and of no others', () => {
    expect(all.length).toBeGreaterThan(80);
    for (const [, { calls }] of all) for (const { spec } of calls) expect(spec.access).toBe('read');
  });

  it.each(all)('of %s is read again when a key of it changes', async (_, { model, calls }) => {
    const [redis, other] = [make(server().url), make(server().url)];
    if (!isKnownTo(await codeOf(other), model.facts)) return;
    let followed = 0;
    for (const command of calls) {
      const names = [...new Set(keysOf(command).map(String))];
      for (const name of names) {
        await other.flushall();
        for (const { spec, args } of fixturesFor(model, names)) await other.call(spec.name, ...args);
        const seen = record<unknown>(redis.live(command, { distinct: false }));
        await until(() => seen.values.length > 0 || seen.ended !== undefined);
        if (seen.ended !== undefined) continue; // it was refused
        followed++;
        const { length } = seen.values;
        await other.pipeline().del(name).set(name, 'another').exec();
        // Another type: some error then, and the others show another value.
        await until(() => seen.values.length > length || seen.ended !== undefined);
        seen.stop();
      }
    }
    expect(followed).toBeGreaterThan(0);
  });
});

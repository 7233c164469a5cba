import { models } from '../../../gen/generate';
import { samplesOf } from '../../../gen/samples';
import * as builders from '../../../src/commands';
import type { Command } from '../../../src/commands/command';
import { keysOf } from '../../../src/commands/prefix';
import { useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';
import { codeOf, isKnownTo } from '../commands/known-to';
import { fixturesFor } from '../commands/scenarios';

const server = useServer();
const make = useClients();
const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;

/** Every builder, and the calls that are made up for it. */
const all = models().map((model) => {
  const calls = samplesOf(model).map(({ method, args }) => byName[method]!(...args));
  return { name: model.facts.name, model, calls };
});
const cacheable = all.filter(({ calls }) => calls[0]?.spec.cacheable !== undefined);

describe('A command whose reply may be kept', () => {
  it('only reads, names its keys, and neither waits, draws, scans nor runs a script', () => {
    expect(cacheable.length).toBeGreaterThan(60);
    for (const { name, calls } of cacheable) {
      for (const { spec, keys } of calls) {
        expect([name, spec.access, spec.replay, keys.length > 0, spec.plain, spec.blocking]).toStrictEqual([
          name,
          'read',
          'read',
          true,
          true,
          undefined,
        ]);
      }
      expect(name).not.toMatch(/RAND|SCAN|EVAL|FCALL|SORT|TOUCH|OBJECT|XINFO|XPENDING|XREAD/);
    }
  });

  it.each(cacheable.map(({ name, ...rest }) => [name, rest] as const))(
    '%s is answered from memory as by the server, and the server tells when one of its keys changes',
    async (_name, { model, calls }) => {
      const [redis, other] = [make({ url: server().url, cache: true }), make(server().url)];
      if (!isKnownTo(await codeOf(other), model.facts)) return;
      const send = (client: typeof redis, { spec, args }: Command) => {
        const { cacheable: kind } = spec;
        const view = kind === 'timed' ? client.withOptions({ cache: { ttl: 60_000 } }) : client;
        return view.call(spec.name, ...args);
      };
      let kept = 0;
      for (const command of calls) {
        await other.flushall();
        const names = [...new Set(keysOf(command).map(String))];
        for (const { spec, args } of fixturesFor(model, names)) await other.call(spec.name, ...args);
        const first = await Promise.resolve(send(redis, command)).catch(() => undefined);
        if (redis.cache.stats.entries === 0) continue; // it was refused
        kept++;
        const { hits } = redis.cache.stats;
        expect(await send(redis, command)).toStrictEqual(first);
        expect(redis.cache.stats.hits).toBe(hits + 1);
        expect(await other.call(command.spec.name, ...command.args)).toStrictEqual(first);
        for (const name of names) {
          await send(redis, command);
          expect(redis.cache.stats.entries).toBe(1);
          await other.pipeline().del(name).set(name, 'another').exec();
          await until(() => redis.cache.stats.entries === 0);
          await other.del(name);
          for (const { spec, args } of fixturesFor(model, names)) await other.call(spec.name, ...args);
          await redis.withOptions({ cache: false }).ping();
          redis.cache.clear();
        }
      }
      expect(kept).toBeGreaterThan(0);
    },
  );
});

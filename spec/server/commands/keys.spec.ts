import { ReplyError } from '../../../src/errors';
import type { Arg, Command } from '../../../src/commands/command';
import { models } from '../../../gen/generate';
import { samplesOf } from '../../../gen/samples';
import * as builders from '../../../src/commands';
import { applyPrefix, keysOf } from '../../../src/commands/prefix';
import { useServer } from '../../support/server';
import { codeOf, isKnownTo } from './known-to';
import { RawSession } from './raw-session';

const server = useServer();
const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;

/** The keys that the server sees in a command, null when it cannot tell or sees none. */
async function keysSeenBy({ spec, args }: Command): Promise<string[] | null> {
  const [command = '', ...words] = spec.name.split(' ');
  try {
    // Redis 6.0 names the destination last; the order means nothing.
    return (await redis.commandGetkeys(command, ...words, ...args)).sort();
  } catch (error) {
    if (error instanceof ReplyError) return null;
    throw error;
  }
}

function textOf(arg: Arg): string {
  return arg instanceof Uint8Array ? Buffer.from(arg).toString() : String(arg);
}

let redis: RawSession;
beforeAll(async () => {
  redis = await RawSession.open(server(), { protocol: 3 });
});
afterAll(() => redis.close());

describe('the keys of a command', () => {
  it('are those that COMMAND GETKEYS finds, with and without a prefix', async () => {
    const code = await codeOf(redis);
    let compared = 0;
    for (const model of models()) {
      if (!isKnownTo(code, model.facts)) continue;
      for (const { args } of samplesOf(model)) {
        const made = byName[model.method]?.(...args) as Command;
        const seen = await keysSeenBy(made);
        if (seen === null) continue;
        compared++;
        expect([model.facts.name, made.args, keysOf(made).map(textOf).sort()]).toEqual([
          model.facts.name,
          made.args,
          seen,
        ]);
        const prefixed = applyPrefix(made, 'p:');
        const seenPrefixed = await keysSeenBy(prefixed);
        expect([model.facts.name, seenPrefixed]).toEqual([model.facts.name, seen.map((key) => `p:${key}`)]);
      }
    }
    expect(compared).toBeGreaterThan(code === 'r6.0' ? 300 : 400);
  });

  it('are none where the server sees none', async () => {
    const code = await codeOf(redis);
    for (const model of models()) {
      if (!isKnownTo(code, model.facts) || model.facts.keySpecs !== undefined) continue;
      for (const { args } of samplesOf(model)) {
        const made = byName[model.method]?.(...args) as Command;
        expect([model.facts.name, keysOf(made), await keysSeenBy(made)]).toEqual([model.facts.name, [], null]);
      }
    }
  });
});

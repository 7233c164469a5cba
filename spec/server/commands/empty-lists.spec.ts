import { firstValueFrom } from 'rxjs';
import { Redis } from 'rxjs-redis';
import * as builders from 'rxjs-redis/commands';
import type { Command } from 'rxjs-redis/commands';
import { EMPTY, NONE_IS_NO_LIST } from '../../../gen/empty';
import { models } from '../../../gen/generate';
import type { CommandModel } from '../../../gen/model';
import { samplesOf } from '../../../gen/samples';
import { AnsweredCommand } from '../../../src/commands/answered';
import { useServer } from '../../support/server';
import { codeOf, isKnownTo } from './known-to';
import { outcomeOf } from './outcomes';
import { RawSession } from './raw-session';
import { SCENARIOS } from './scenarios';

const server = useServer();
const byName = builders as unknown as Record<string, (...args: unknown[]) => Command>;
const ANSWERS: Readonly<Record<string, unknown>> = { '0': 0, '[]': [], '{}': {}, null: null, "'OK'": 'OK' };
const taking = models().filter(({ facts, sharesSpec }) => EMPTY[facts.name] !== undefined && !sharesSpec);

let session: RawSession;
let code: string;
beforeAll(async () => {
  session = await RawSession.open(server(), { protocol: 3 });
  code = await codeOf(session);
});
afterAll(() => session.close());

/** Which of the arguments is the list. */
function listAt({ signatures }: CommandModel): number {
  const at = signatures[0]?.parameters.findIndex(({ type }) =>
    /^(Many|Optionals|Pairs|ScoredMembers|readonly Bit)/.test(type),
  );
  return at ?? -1;
}

/** The same call with nothing in its list, in each form that an empty list may have. */
function emptied(model: CommandModel, args: readonly unknown[]): unknown[][] {
  const at = listAt(model);
  const rest = model.signatures[0]?.parameters[at]?.rest === true;
  const pairs = /^(Pairs|ScoredMembers)/.test(model.signatures[0]?.parameters[at]?.type ?? '');
  const after = rest ? [] : args.slice(at + 1);
  const before = args.slice(0, at);
  return [
    [...before, [], ...after],
    ...(rest && !NONE_IS_NO_LIST.has(model.facts.name) ? [[...before]] : []),
    ...(pairs
      ? [
          [...before, {}, ...after],
          [...before, new Map(), ...after],
        ]
      : []),
  ];
}

describe.each(taking.map((model) => [model.method, model] as const))('%s of an empty list', (method, model) => {
  const answer = ANSWERS[EMPTY[model.facts.name] as string];
  const [sample] = samplesOf(model);

  it('brings its reply along', () => {
    for (const args of emptied(model, sample?.args ?? [])) {
      const command = byName[method]?.(...args);
      expect(command).toBeInstanceOf(AnsweredCommand);
      expect((command as AnsweredCommand).answer).toEqual(answer);
      expect(command?.spec.name).toBe(model.facts.name);
    }
  });

  it('still has its other arguments checked', () => {
    const at = listAt(model);
    if (at === 0) return;
    expect(() => byName[method]?.(...(sample?.args ?? []).slice(0, at - 1), { no: 'key' }, [])).toThrow(TypeError);
  });

  it('has the reply that the server gives to lists of any length: none of none, one for each', async () => {
    if (!isKnownTo(code, model.facts)) return;
    await session.flushall();
    const [prepare] = SCENARIOS[model.facts.name] ?? [];
    const args = prepare === undefined ? (sample?.args ?? []) : await prepare(session);
    if (model.facts.name === 'XACKDEL')
      await session.xgroupCreate(args[0] as string, args[1] as string, '0', { MKSTREAM: true });
    const outcome = await outcomeOf(session, byName[method]?.(...args) as Command);
    const list = args.slice(listAt(model));
    const [first] = list;
    const length = Array.isArray(first)
      ? first.length
      : typeof first === 'object'
        ? Object.keys(first as object).length
        : list.length;
    const value = 'value' in outcome ? outcome.value : outcome;
    if (answer === 0) expect(Number(value)).toBeLessThanOrEqual(length);
    else if (method === 'commandDocs') expect(Object.keys(value as object)).toHaveLength(length);
    else if (Array.isArray(answer)) expect([0, length]).toContain((value as unknown[]).length);
    else expect(value).toEqual(answer);
  });
});

describe('an empty list', () => {
  it('has its reply without a command to the server, however it is asked for', async () => {
    const redis = new Redis(server().url);
    const before = await session.info('commandstats');
    expect(await redis.del([])).toBe(0);
    expect(await redis.unlink(...[])).toBe(0);
    expect(await redis.mget([])).toEqual([]);
    expect(await redis.sadd('k', [])).toBe(0);
    expect(await redis.bytes.hmget('h', [])).toEqual([]);
    expect(await redis.hset('h', {})).toBe(0);
    expect(await redis.withOptions({ idempotent: true }).mset({})).toBe('OK');
    expect(await firstValueFrom(redis.zadd('z', {}))).toBe(0);
    expect(await redis.lmpop([], 'LEFT')).toBeNull();
    expect((await firstValueFrom(redis.state$)).kind).toBe('idle');
    await redis.destroy();
    const after = await session.info('commandstats');
    expect(Object.keys(after.commandstats ?? {})).toEqual(Object.keys(before.commandstats ?? {}));
  });

  it('is sent where a server does something without any: it makes the key', async () => {
    await session.flushall();
    const redis = new Redis(server().url);
    expect(await redis.pfadd('visitors', [])).toBe(1);
    expect(await redis.pfadd('visitors', ...[])).toBe(0);
    expect(await redis.pfmerge('all', [])).toBe('OK');
    expect(await redis.exists('visitors', 'all')).toBe(2);
    await redis.destroy();
  });

  it("has its reply under a prefix and on a connection of one's own", async () => {
    const redis = new Redis({ url: server().url, prefix: 'p:' });
    expect(await redis.exists([])).toBe(0);
    const reply = await firstValueFrom(redis.dedicated((connection) => connection.watch([])));
    expect(reply).toBe('OK');
    await redis.destroy();
  });

  it('shows the name of its command in logs', async () => {
    const redis = new Redis(server().url);
    expect(JSON.stringify(redis.del([]))).toBe('{"command":"DEL"}');
    await redis.destroy();
  });
});

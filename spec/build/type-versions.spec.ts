import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { installPinned } from '../../infra/install-pinned';
import pinned from '../../infra/typescript/package.json';
import { Consumer } from './consumer';

const COMPILERS = join(__dirname, '../../infra/typescript');
const TYPES = join(__dirname, '../types');

/** Calls with an option that is wrong, and what it is called. */
const WRONG: readonly (readonly [call: string, option: string])[] = [
  ["redis.set('k', 'v', { EX: '10' })", 'EX'],
  ["redis.set('k', 'v', { NX: true, EX: '10' })", 'EX'],
  ["redis.set('k', 'v', { FOO: 1 })", 'FOO'],
  ["redis.set('k', 'v', { EX: 1, FOO: 1 })", 'FOO'],
  ["redis.set('k', 'v', { NX: 1 })", 'NX'],
  ["redis.set('k', 'v', { NX: true, XX: true })", 'XX'],
  ["redis.set('k', 'v', { EX: 1, PX: 1 })", 'PX'],
  ["redis.zadd('z', { a: 1 }, { CH: 'yes' })", 'CH'],
  ["redis.getex('k', { EX: 'x' })", 'EX'],
  ["redis.scan(0, { MACTH: 'x' })", 'MACTH'],
  ["redis.xadd('s', '*', { a: 1 }, { NOMKSTREAM: 'yes' })", 'NOMKSTREAM'],
  ["redis.set('k', 'v', asText)", 'EX'],
  ["redis.set('k', 'v', asNumber)", 'NX'],
  ["redis.restore('k', 0, 'v', idleText)", 'IDLETIME'],
];
const HEAD = `import { Redis } from 'rxjs-redis';
declare const redis: Redis;
const asText = { EX: '10' };
const asNumber = { NX: 1 };
const idleText = { REPLACE: true, IDLETIME: '1' };
`;

/** What the compiler says of the type specs, which are right, and of each of the wrong calls. */
async function compiled(consumer: Consumer, compiler: string): Promise<{ specs: string; wrong: string[] }> {
  const program = `${HEAD}${WRONG.map(([call]) => `void ${call};\n`).join('')}`;
  const specs = readdirSync(TYPES).map((file) => [file, readFileSync(join(TYPES, file), 'utf8')] as const);
  const words = await consumer.compile({ ...Object.fromEntries(specs), 'wrong.ts': program }, [], compiler).then(
    () => '',
    (error: Error) => error.message,
  );
  const first = HEAD.split('\n').length;
  const wrong = WRONG.map((_, index) => {
    const own = new RegExp(`^wrong\\.ts\\(${first + index},\\d+\\).*\\n(?: .*\\n?)*`, 'gm');
    return (words.match(own) ?? []).join('');
  });
  return { specs: words.replace(/^wrong\.ts\(.*\n(?: .*\n?)*/gm, ''), wrong };
}

/** Whether the compiler points at the option, or names it. */
function isAbout(option: string, call: string, complaint: string): boolean {
  const column = `void ${call}`.search(new RegExp(`\\b${option}:`)) + 1;
  return complaint.includes(`,${column}): error`) || complaint.includes(`'${option}'`);
}

/** How compilers look for modules, as users set it. From 7.0 on there is no node10, and before 6.0 no flag that excuses it. */
const RESOLUTIONS: Readonly<Record<string, (name: string) => readonly string[] | undefined>> = {
  node10: (name) => {
    if (name === 'typescript-7.0') return undefined;
    const excuse = name === 'typescript-6.0' ? ['--ignoreDeprecations', '6.0'] : [];
    return ['--module', 'commonjs', '--moduleResolution', 'node10', ...excuse];
  },
  node16: () => ['--module', 'node16'],
  nodenext: () => ['--module', 'nodenext'],
  bundler: () => ['--module', 'esnext', '--moduleResolution', 'bundler'],
};

/** Fails to compile where a type is `any`, or is not found. */
const TYPED = `
import { Redis, ReplyError, type RedisCommands } from 'rxjs-redis';
import { get, set } from 'rxjs-redis/commands';
import IORedis, { toIORedis, type IORedisPipeline } from 'rxjs-redis/ioredis';
type IsAny<T> = 0 extends 1 & T ? true : false;
const redis = new Redis();
export const bytes = async (): Promise<[IsAny<Buffer>, number]> => [false, (await redis.bytes.get('k'))?.length ?? 0];
export const typed: [IsAny<typeof redis>, IsAny<ReplyError>, IsAny<RedisCommands>] = [false, false, false];
export const commands: [IsAny<ReturnType<typeof get>>, IsAny<ReturnType<typeof set>>] = [false, false];
export const shape: [IsAny<IORedis>, IsAny<ReturnType<typeof toIORedis>>, IsAny<IORedisPipeline>] = [false, false, false];
export const ofShape: Promise<Buffer> = new IORedis({ lazyConnect: true }).getBuffer<Buffer>('k');
`;

/** The same of `rxjs-redis/nestjs`. */
const NEST = `
import type { DynamicModule } from '@nestjs/common';
import { RedisModule, RedisHealthIndicator, RedisIoAdapter, RedisKeyvStore, RedisStreamsClient, RedisStreamsServer, type RedisPubSubServerOptions } from 'rxjs-redis/nestjs';
type IsAny<T> = 0 extends 1 & T ? true : false;
export const module: DynamicModule = RedisModule.forRoot({ url: 'redis://localhost', connect: true });
export const parts: [IsAny<RedisHealthIndicator>, IsAny<RedisIoAdapter>, IsAny<RedisKeyvStore>, IsAny<RedisPubSubServerOptions>] = [false, false, false, false];
export const send: IsAny<RedisStreamsClient['send']> = false;
// @ts-expect-error there is no such option
export const server = new RedisStreamsServer({ group: 'g', concurency: 3 });
`;

const CELLS = Object.keys(pinned.dependencies).flatMap((name) =>
  Object.entries(RESOLUTIONS).flatMap(([resolution, flagsFor]) => {
    const flags = flagsFor(name);
    return flags === undefined ? [] : [{ name, resolution, flags }];
  }),
);

describe('the published types', () => {
  // Not told of the types of Node, as a project of TypeScript 6.0 and later is not.
  it.each(CELLS)('are found, and none is any, by $name with $resolution', async ({ name, resolution, flags }) => {
    const compiler = join(COMPILERS, 'node_modules', name);
    const file = resolution === 'nodenext' ? 'typed.mts' : 'typed.ts';
    await consumer.compile({ [file]: TYPED }, ['--typeRoots', 'none', ...flags], compiler);
  });

  // The declarations of NestJS itself are not checked: they are not ours, and not made for every compiler.
  it.each(CELLS.filter(({ name, resolution }) => /5\.0 node10|7\.0 nodenext/.test(`${name} ${resolution}`)))(
    'of the parts for NestJS are found as well by $name with $resolution',
    async ({ name, flags }) => {
      const modules = join(__dirname, '../../node_modules');
      for (const one of ['@nestjs', 'reflect-metadata']) await consumer.use(one, join(modules, one));
      await consumer.compile({ 'nest.ts': NEST }, ['--skipLibCheck', ...flags], join(COMPILERS, 'node_modules', name));
    },
  );
});

describe.each(Object.keys(pinned.dependencies))('the published types on %s', (name) => {
  let specs: string;
  let wrong: string[];
  beforeAll(async () => {
    ({ specs, wrong } = await compiled(consumer, join(COMPILERS, 'node_modules', name)));
  });

  it('allow and refuse what the type specs say', () => {
    expect(specs).toBe('');
  });

  it.each(WRONG.map((row, index) => [...row, index] as const))('%s: the error is about %s', (call, option, index) => {
    const complaint = wrong[index] as string;
    expect(complaint).toContain('error TS');
    expect(complaint).not.toMatch(/is missing in type/);
    // TypeScript 5.0 compares a literal with the first combination of options that it comes across.
    if (name !== 'typescript-5.0') expect([complaint, isAbout(option, call, complaint)]).toEqual([complaint, true]);
  });
});

let consumer: Consumer;
beforeAll(async () => {
  await installPinned(COMPILERS);
  consumer = await Consumer.create();
});
afterAll(() => consumer?.delete());

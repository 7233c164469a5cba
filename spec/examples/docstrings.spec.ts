import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Block } from './markdown';
import { typeErrors } from './type-check';

const ROOT = resolve(__dirname, '../..');

/** What examples take from modules, as their readers would import it. */
const IMPORTS: readonly (readonly [module: string, names: readonly string[]])[] = [
  ['rxjs', ['concatMap', 'filter', 'map', 'mergeMap', 'switchMap', 'take']],
  [
    'rxjs-redis',
    ['Redis', 'RedisCluster', 'RedisCommands', 'RedisPool', 'Reply', 'ReplyError', 'linksOf', 'resync', 'retrySafely'],
  ],
  [
    'rxjs-redis/commands',
    ['call', 'clientNoTouch', 'decr', 'decrby', 'evalshaOrEval', 'get', 'hgetall', 'hset', 'incr', 'incrby', 'set'],
  ],
  ['rxjs-redis/ioredis', ['toIORedis']],
  ['rxjs-redis/nestjs', ['InjectRedis', 'RedisHealthIndicator', 'RedisIoAdapter', 'RedisKeyvStore', 'RedisModule']],
  ['rxjs-redis/nestjs', ['RedisPubSubClient', 'RedisPubSubServer', 'RedisStreamsClient', 'RedisStreamsServer']],
  ['rxjs-redis/nestjs', ['RedisThrottlerStorage', 'getRedisToken']],
  ['@nestjs/cache-manager', ['CacheModule']],
  ['@nestjs/common', ['Module']],
  ['@nestjs/core', ['NestFactory']],
  ['@nestjs/microservices', ['ClientsModule']],
  ['@nestjs/terminus', ['HealthCheckService']],
  ['@nestjs/testing', ['Test']],
  ['@nestjs/throttler', ['ThrottlerModule']],
  ['@opentelemetry/api', ['Tracer']],
  ['bullmq', ['Queue']],
  ['node:fs', ['createReadStream']],
  ['node:readline', ['createInterface']],
  ['rate-limiter-flexible', ['RateLimiterRedis']],
];

/** What examples have beside that and the client `redis`. */
const DECLARED: Readonly<Record<string, string>> = {
  cluster: "const cluster: import('rxjs-redis').RedisCluster",
  pool: "const pool: import('rxjs-redis').RedisPool",
  queue: "const queue: import('rxjs-redis').Queue",
  job: "const job: import('rxjs-redis').Job",
  connection: "const connection: import('rxjs-redis').DedicatedConnection",
  health:
    'const health: { check(key: string): { attempt(ask: (options: { signal: AbortSignal }) => Promise<void>): void } }',
  indicator: "const indicator: import('rxjs-redis/nestjs').RedisHealthIndicator",
  tracer: "const tracer: import('@opentelemetry/api').Tracer",
  network: "const network: import('node:events').EventEmitter",
  database: 'const database: { user(id: number): Promise<{ name: string }> }',
  error: 'const error: Error',
  code: 'const code: string',
  AppModule: 'class AppModule {}',
  Visits: 'class Visits {}',
  ConfigModule: 'class ConfigModule {}',
  ConfigService: 'class ConfigService { getOrThrow(name: string): string }',
};
const CALLED = [
  'apply',
  'bill',
  'change',
  'handle',
  'parse',
  'reload',
  'render',
  'replace',
  'run',
  'send',
  'show',
  'signOut',
  'use',
];

/** Examples of what the package does not export. */
const INTERNAL = ['src/resp/', 'src/commands/without-stacks.ts'];

function examplesOf(file: string): Block[] {
  const text = readFileSync(join(ROOT, file), 'utf8');
  return [...text.matchAll(/\* @example(.*)\n((?: *\*(?! @|\/).*\n)*)/g)].map(({ 1: title, 2: lines, index }) => ({
    document: file,
    line: text.slice(0, index).split('\n').length,
    language: 'ts',
    code: `${title}\n${lines!.replace(/^ *\* ?/gm, '')}`,
  }));
}

const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .map((file) => `src/${file.replaceAll('\\', '/')}`)
  .filter((file) => file.endsWith('.ts') && !INTERNAL.some((start) => file.startsWith(start)));
const examples = files.flatMap(examplesOf);

/** The example with what it uses and does not say where that is from, in the same line. */
function whole(block: Block): Block {
  const { code } = block;
  const uses = (name: string) => new RegExp(`(?<![.'])\\b${name}\\b`).test(code);
  const lacks = (name: string) => uses(name) && !new RegExp(`\\b(const|class|import|const \\[) ?${name}\\b`).test(code);
  const imports = IMPORTS.map(([module, names]) => `import { ${names.filter(lacks).join(', ')} } from '${module}';`);
  const declared = Object.entries(DECLARED).filter(([name]) => lacks(name));
  const called = CALLED.filter(lacks).map(
    (name) => `declare const ${name}: (...args: unknown[]) => import('rxjs').Observable<any>;`,
  );
  const head = [
    ...imports.filter((line) => !line.includes('{  }')),
    ...declared.map(([, text]) => `declare ${text};`),
    ...called,
  ];
  return { ...block, code: head.join(' ') + code };
}

describe('The examples of the comments', () => {
  it('are there, and compile', () => {
    expect(examples.length).toBeGreaterThan(70);
    expect(typeErrors(examples.map(whole))).toEqual([]);
  });
});

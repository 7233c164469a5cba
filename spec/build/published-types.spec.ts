import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import * as commands from '../../src/commands';
import { Redis } from '../../src/redis';
import { Consumer } from './consumer';
import { declaredIn, unexported } from './published-types';

const SOURCE = resolve(__dirname, '../../src');

/** What the published types need and users do not name. */
const PRIVATE = [
  // The methods of commands: users take RedisCommands.
  'CommandSurface',
  'SessionSurface',
  // The same, with what reads the entries of streams.
  'StreamSurface',
  // What those methods give: replies, or the chain of a pipeline.
  'ResultKind',
  'ResultOf',
  'ReplyKind',
  'ChainKind',
  'OrErrors',
  // The shapes of options that exclude each other.
  'AtMostOne',
  'NotGiven',
  'One',
  'Without',
  'ClientType',
  // The shapes of facts: CommandSpec has them.
  'BlockingFact',
  'PrefixedArguments',
  'SecretArguments',
  // What the classes in the shape of ioredis extend, and what their methods are made of.
  'CommandMethods',
  'PipelineMethods',
  'WithCommands',
  'WithPipelineCommands',
  'commandNames',
  // What the transports and the adapter for NestJS extend: classes of its optional packages, and what servers and clients have in common.
  'BaseAdapter',
  'BaseClient',
  'BaseServer',
  'Events',
  'Lent',
  'OfConsume',
  // The builder of EVAL, which is exported as `eval`.
  'evalScript',
];

describe('the published types', () => {
  let consumer: Consumer;
  let files: ReadonlyMap<string, string>;
  beforeAll(async () => {
    consumer = await Consumer.create();
    const dist = join(consumer.folder, 'node_modules/rxjs-redis/dist');
    const found = readdirSync(dist).filter((file) => file.includes('.d.'));
    files = new Map(found.map((file) => [file, readFileSync(join(dist, file), 'utf8')]));
  });
  afterAll(() => consumer?.delete());

  const declarations = () => new Map([...files].filter(([file]) => file.endsWith('.d.cts')));
  const entries = ['index.d.cts', 'commands.d.cts', 'nestjs.d.cts', 'ioredis.d.cts'];

  it('are those of the entries, and of nothing that the entries share', () => {
    const passedOn = ['index.d.mts', 'commands.d.mts', 'nestjs.d.mts', 'ioredis.d.mts'];
    expect([...files.keys()].sort()).toEqual([...entries, ...passedOn].sort());
    expect(passedOn.map((file) => files.get(file))).toEqual([
      "export * from './index.cjs';\n",
      "export * from './commands.cjs';\n",
      "export * from './nestjs.cjs';\n",
      "export * from './ioredis.cjs';\nexport { IORedis as default } from './ioredis.cjs';\n",
    ]);
  });

  it('declare nothing that users cannot name, but for a few', () => {
    expect(unexported(declarations(), entries)).toEqual([...PRIVATE].sort());
  });

  it.each(['connection', 'resp', 'pubsub'])('hold nothing of src/%s/ that the package does not export', (folder) => {
    const internal = declaredIn(join(SOURCE, folder));
    expect(internal.size).toBeGreaterThan(5);
    expect(unexported(declarations(), entries).filter((name) => internal.has(name))).toEqual([]);
  });

  it('are found out where they are internal', () => {
    const tampered = new Map(
      [...declarations()].map(([file, text]) => [file, `${text}declare class Multiplexer$1 {}`]),
    );
    expect(unexported(tampered, entries)).toEqual([...PRIVATE, 'Multiplexer'].sort());
  });

  it('have all types of ./commands at the root as well', () => {
    const ofTheClient = new Map([...declarations()].filter(([file]) => !/^(nestjs|ioredis)\./.test(file)));
    const missing = unexported(ofTheClient, ['index.d.cts']).filter((name) => !PRIVATE.includes(name));
    const builders: string[] = Object.keys(commands);
    expect(missing.filter((name) => !builders.includes(name))).toEqual([]);
  });

  it('let nothing be constructed that the client alone constructs', async () => {
    const importing = (name: string) => `import { ${name} } from 'rxjs-redis';\n`;
    const classes = [
      'RedisView',
      'DedicatedConnection',
      'Completion',
      'MessageStream',
      'Queue',
      'Job',
      'JobStream',
      'Awaitable',
      'ErrorFrame',
      'Push',
      'Attribute',
    ];
    const programs = classes.map((name): [string, string] => [
      `${name}.mts`,
      `${importing(name)}// @ts-expect-error it is a type alone\nnew ${name}();\n`,
    ]);
    const reply = `${importing('Reply')}// @ts-expect-error its constructor is private\nnew Reply();\n`;
    await consumer.compile({ ...Object.fromEntries(programs), 'Reply.mts': reply });
    const imported = `import * as all from 'rxjs-redis'; console.log(Object.keys(all).sort().join(' '));`;
    expect((await consumer.run('all.mjs', imported)).split(' ')).toEqual([
      'AuthenticationError',
      'Command',
      'ConfigurationError',
      'ConnectionError',
      'DisconnectedError',
      'OverflowError',
      'ProtocolError',
      'Redis',
      'RedisCluster',
      'RedisError',
      'RedisPool',
      'Reply',
      'ReplyError',
      'SerializationError',
      'TimeoutError',
      'linksOf',
      'resync',
      'retrySafely',
    ]);
  });

  it('can be written down by a package of a user that infers everything from them', async () => {
    await consumer.compile({ 'library.mts': libraryOf(Object.keys(commands)), 'library.cts': LIBRARY }, [
      '--declaration',
    ]);
  });
});

/** Every name that it exports has a type that the compiler has to find out, and to spell in a declaration file. */
const LIBRARY = `
  import { Redis, Reply, type RedisCommands } from 'rxjs-redis';
  export const redis = new Redis();
  export const bytes = redis.bytes;
  export const view = redis.withOptions({ commandTimeout: 1 });
  export const connected = redis.connect();
  export const reply = Reply.of(1);
  export const range = (on: RedisCommands) => on.zrange('k', 0, -1, { WITHSCORES: true });
  export const write = (...args: Parameters<typeof redis.set>) => redis.set(...args);
  export const lent = redis.dedicated((connection) => connection.geopos('k', 'm'));
  export const news = redis.subscribe('news');
  export class Mine extends Redis {
    visits() {
      return this.incr('visits');
    }
  }
`;

/** The same with the type of every method and builder. */
function libraryOf(builders: readonly string[]): string {
  const methods = builders.filter((name) => name in Redis.prototype);
  expect(methods.length).toBeGreaterThan(350);
  return [
    LIBRARY,
    `import * as commands from 'rxjs-redis/commands';`,
    ...methods.map((name) => `export const ${name}Method = (on: Redis) => on.${name};`),
    ...builders
      .filter((name) => name !== 'Command')
      .map((name) => `export const ${name}Of = (...args: Parameters<typeof commands.${name}>) => args;`),
  ].join('\n');
}

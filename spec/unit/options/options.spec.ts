import { firstValueFrom, lastValueFrom, of, toArray } from 'rxjs';
import { Redis, type RedisOptions } from 'rxjs-redis';
import {
  auth,
  blpop,
  call,
  clientReply,
  clientSetname,
  clientTracking,
  multi,
  select,
  type Command,
} from 'rxjs-redis/commands';
import { Group } from '../../../src/commands/group';
import { Transaction } from '../../../src/commands/transaction';
import { resolveOptions, resolvePool } from '../../../src/options';
import { thrownBy } from '../../support/outcomes';

/** What a caller in JavaScript may pass. */
const resolve = (options: object) => resolveOptions(options);
const refusal = (options: object) => thrownBy(() => resolve(options));
const credentialsOf = (options: RedisOptions) =>
  firstValueFrom(resolveOptions(options).credentials?.() ?? of(undefined));

describe('Options', () => {
  it('have the defaults that are promised', () => {
    expect(resolveOptions()).toMatchObject({
      host: 'localhost',
      port: 6379,
      database: 0,
      protocol: 'auto',
      connectTimeout: 10_000,
      commandTimeout: 30_000,
      readTimeout: 30_000,
      writeTimeout: 30_000,
      blockingGrace: 2_000,
      offlineQueue: 1000,
      autoPipeline: true,
      readBufferSize: 65_536,
      writeBufferSize: 65_536,
      reconnect: { initialDelay: 100, factor: 2, maxDelay: 60_000, jitter: 0.25, maxAttempts: Infinity },
      retry: { initialDelay: 50, factor: 2, maxDelay: 1_000, jitter: 0.25, maxAttempts: 16 },
    });
  });

  it('that are undefined are options that are not given', () => {
    const given = {
      host: undefined,
      commandTimeout: undefined,
      reconnect: undefined,
      password: undefined,
      tls: undefined,
    };
    expect(resolve(given)).toMatchObject({
      host: 'localhost',
      commandTimeout: 30_000,
      reconnect: { initialDelay: 100 },
    });
    expect(resolve({ reconnect: { initialDelay: 7, maxDelay: undefined } })).toMatchObject({
      reconnect: { initialDelay: 7, maxDelay: 60_000 },
    });
  });

  it('take precedence over what the URL says, one by one', () => {
    expect(resolve({ url: 'redis://there:7000/3?commandTimeout=5', port: 8000, commandTimeout: 6 })).toMatchObject({
      host: 'there',
      port: 8000,
      database: 3,
      commandTimeout: 6,
    });
  });

  it('beside a URL may give details of its TLS or turn TLS on, and not off where the URL asks for it', () => {
    expect(resolve({ url: 'rediss://there' })).toMatchObject({ tls: true });
    expect(resolve({ url: 'rediss://there', tls: { servername: 'here' } })).toMatchObject({
      tls: { servername: 'here' },
    });
    expect(resolve({ url: 'redis://there', tls: true })).toMatchObject({ tls: true });
    expect(resolve({ url: 'redis://there', tls: false })).toMatchObject({ tls: false });
    for (const scheme of ['rediss', 'valkeys']) {
      expect(refusal({ url: `${scheme}://there`, tls: false })).toBe(
        "TypeError: The option 'tls' is false, and the URL says TLS by its scheme: leave one of them out",
      );
    }
  });

  it.each<[string, object]>([
    ['host', { tls: { host: 'elsewhere' } }],
    ['host', { host: 'there', tls: { host: 'elsewhere' } }],
    ['host', { url: 'rediss://there', tls: { host: 'elsewhere' } }],
    ['host', { path: '/a.sock', tls: { host: 'localhost' } }],
    ['port', { tls: { port: 6380 } }],
    ['port', { url: 'rediss://there:6380', tls: { port: 6379 } }],
    ['path', { tls: { path: '/a.sock' } }],
    ['path', { path: '/a.sock', tls: { path: '/b.sock' } }],
  ])('for TLS that lead elsewhere than the address are refused: tls.%s of %j', (name, options) => {
    expect(refusal(options)).toBe(
      `TypeError: The option 'tls.${name}' contradicts the address of the server: use the option '${name}'`,
    );
  });

  it('for TLS may repeat the address, and take no socket', () => {
    const same = { host: 'there', port: 6380, tls: { host: 'there', port: 6380, path: undefined } };
    expect(resolve(same)).toMatchObject({ host: 'there', port: 6380 });
    expect(resolve({ path: '/a.sock', tls: { path: '/a.sock' } })).toMatchObject({ path: '/a.sock' });
    expect(refusal({ tls: { socket: {} } })).toBe(
      "TypeError: The option 'tls.socket' cannot be used: every link makes a socket of its own",
    );
  });

  it.each([
    ['host', 'there\0.example.com'],
    ['host', '\0there'],
    ['path', '/a.sock\0.b'],
    ['path', '\0a'],
  ])('that say where the server is hold no NUL, at which the system would end them: %s', (name, value) => {
    expect(refusal({ [name]: value })).toBe(`TypeError: The option '${name}' holds a NUL character`);
  });

  it('limit what a reply may hold, one by one', () => {
    const limits = { line: 512 * 1024 * 1024, bulk: 512 * 1024 * 1024, depth: 1024, elements: 33_554_432 };
    expect(resolveOptions().limits).toStrictEqual(limits);
    expect(resolve({ limits: { line: 4096, depth: undefined } }).limits).toStrictEqual({ ...limits, line: 4096 });
    expect(refusal({ limits: 5 })).toBe("TypeError: The option 'limits' is an object, got a number");
    expect(refusal({ limits: null })).toBe("TypeError: The option 'limits' is an object, got null");
    expect(refusal({ limits: { lines: 5 } })).toBe("TypeError: There is no option 'limits.lines'");
  });

  it.each([
    ['line', { least: 1024, most: Infinity }],
    ['bulk', { least: 1024, most: Infinity }],
    ['depth', { least: 8, most: Infinity }],
    ['elements', { least: 1024, most: 67_108_864 }],
  ])('that limit a reply have a range: %s', (name, { least, most }) => {
    for (const value of [least, most])
      expect(resolve({ limits: { [name]: value } }).limits).toHaveProperty(name, value);
    for (const outside of [least - 1, NaN, '2048', ...(most === Infinity ? [] : [most + 1])]) {
      const got = typeof outside === 'string' ? 'a string' : outside;
      expect(refusal({ limits: { [name]: outside } })).toBe(
        `TypeError: The option 'limits.${name}' is a number from ${least} to ${most}, got ${got}`,
      );
    }
    expect(refusal({ limits: { [name]: 2048.5 } })).toMatch(/is a whole number, got 2048.5$/);
  });

  it('say how many connections a pool has, one by one', () => {
    const limits = { min: 2, max: 10, idleTimeout: 60_000, acquireTimeout: 5_000 };
    expect(resolvePool({ max: undefined })).toStrictEqual({ limits, others: {} });
    expect(resolvePool({ max: 1, idleTimeout: 5, database: 1 })).toStrictEqual({
      limits: { ...limits, min: 1, max: 1, idleTimeout: 5 },
      others: { database: 1 },
    });
  });

  it('say how connections are lent, one by one', () => {
    const leases = { max: 32, idleTimeout: 60_000, acquireTimeout: 5_000 };
    expect(resolveOptions().leases).toStrictEqual(leases);
    expect(resolve({ leases: { max: 1, idleTimeout: undefined } }).leases).toStrictEqual({ ...leases, max: 1 });
    const endless = { max: Infinity, idleTimeout: Infinity, acquireTimeout: Infinity };
    expect(resolve({ leases: endless }).leases).toStrictEqual(endless);
    expect(refusal({ leases: 5 })).toBe("TypeError: The option 'leases' is an object, got a number");
    expect(refusal({ leases: null })).toBe("TypeError: The option 'leases' is an object, got null");
    expect(refusal({ leases: { min: 5 } })).toBe("TypeError: There is no option 'leases.min'");
    expect(refusal({ leases: { max: 1.5 } })).toBe("TypeError: The option 'leases.max' is a whole number, got 1.5");
  });

  it.each([
    ['max', 0, 'Infinity'],
    ['max', NaN, 'Infinity'],
    ['idleTimeout', 0, '2147483647, or Infinity'],
    ['acquireTimeout', -1, '2147483647, or Infinity'],
  ])('that say how connections are lent have a range: %s is not %d', (name, value, most) => {
    expect(refusal({ leases: { [name]: value } })).toBe(
      `TypeError: The option 'leases.${name}' is a number from 1 to ${most}, got ${value}`,
    );
    expect(refusal({ leases: { [name]: '5' } })).toMatch(/, got a string$/);
  });

  it('may name the server by a URL object', () => {
    const redis = new Redis(new URL('redis://there:7000/2'), { host: 'elsewhere' });
    expect(redis.toJSON().address).toBe('elsewhere:7000');
    expect(() => new Redis([] as RedisOptions)).toThrow(
      'new Redis: a URL or options were expected, got an empty array',
    );
  });

  it('take precedence over the Unix socket of a URL', () => {
    expect(new Redis('redis+unix:///a.sock', { host: 'there' }).toJSON().address).toBe('there:6379');
    expect(new Redis('redis+unix:///a.sock', { port: 7000 }).toJSON().address).toBe('localhost:7000');
    expect(new Redis('redis+unix:///a.sock', { path: '/b.sock' }).toJSON().address).toBe('/b.sock');
    expect(new Redis('redis+unix:///a.sock', { database: 1 }).toJSON().address).toBe('/a.sock');
  });

  it('for backoff are plain objects', () => {
    for (const [given, kind] of [
      [[], 'an empty array'],
      [new Date(), 'an object (Date)'],
      [new Map(), 'a map'],
      [null, 'null'],
    ] as const) {
      expect(refusal({ reconnect: given })).toBe(
        `TypeError: The option 'reconnect' is a boolean, an object or a function, got ${kind}`,
      );
    }
  });

  it('that cannot be told in JSON are told all the same', () => {
    expect(refusal({ protocol: 2n })).toBe("TypeError: The option 'protocol' is 2, 3 or 'auto', got 2");
  });

  it('for some commands are refused where they are wrong', () => {
    const wrong = (options: unknown) => thrownBy(() => new Redis().withOptions(options as object));
    expect(wrong({ idempotent: 'yes' })).toBe("TypeError: The option 'idempotent' is a boolean, got a string");
    expect(wrong(null)).toBe('TypeError: withOptions: an object was expected, got null');
    expect(wrong(undefined)).toBe('TypeError: withOptions: an object was expected, got undefined');
    expect(wrong({ retry: null })).toBe(
      "TypeError: The option 'retry' is a boolean, an object or a function, got null",
    );
  });

  it('beside a URL take precedence over it', () => {
    const address = (...args: [url: string | undefined, options?: RedisOptions]) => new Redis(...args).toJSON().address;
    expect(address('redis://there:7000', { port: 8000 })).toBe('there:8000');
    expect(address('redis://there:7000', { port: undefined })).toBe('there:7000');
    expect(address('redis://there:7000', { url: 'redis://elsewhere' })).toBe('there:7000');
    expect(address('redis://there:7000', undefined)).toBe('there:7000');
    expect(address(undefined, { port: 8000 })).toBe('localhost:8000');
  });

  it.each([
    [
      'behind other options',
      [{ port: 7000 }, { port: 8000 }],
      /stand alone or behind a URL, not behind other options$/,
    ],
    ['that are a number', ['redis://there', 7000], /options were expected beside the URL, got a number$/],
    ['that are null', ['redis://there', null], /options were expected beside the URL, got null$/],
  ])('%s are refused', (_, args, message) => {
    expect(thrownBy(() => new Redis(...(args as [])))).toMatch(message);
  });

  it.each([
    [{ colour: 'red' }, 'colour'],
    [{ toString: 1 }, 'toString'],
    [{ reconnect: { delay: 1 } }, 'reconnect.delay'],
    [{ retry: { attempts: 1 } }, 'retry.attempts'],
  ])('that do not exist are refused by their names: %j', (options, name) => {
    expect(refusal(options)).toBe(`TypeError: There is no option '${name}'`);
  });

  it.each([
    ['db', 'database'],
    ['keyPrefix', 'prefix'],
    ['clientname', 'clientName'],
    ['hostname', 'host'],
    ['retryStrategy', 'reconnect'],
  ])('that other clients have lead to ours: %s', (name, ours) => {
    expect(refusal({ [name]: 1 })).toBe(`TypeError: There is no option '${name}': did you mean '${ours}'?`);
  });

  it.each([
    ['path', 'host', { path: '/a.sock', host: 'there' }],
    ['path', 'port', { path: '/a.sock', port: 7000 }],
    ['credentials', 'username', { credentials: { password: 'pw' }, username: 'ann' }],
    ['credentials', 'password', { credentials: { password: 'pw' }, password: 'other' }],
  ])('that contradict each other are refused: %s and %s', (one, other, options) => {
    expect(refusal(options)).toBe(
      `TypeError: The options '${one}' and '${other}' contradict each other: leave one of them out`,
    );
  });

  it('take the user name of a URL with a password of their own, or credentials in its place', async () => {
    expect(await credentialsOf({ url: 'redis://ann:@there', password: 'pw' })).toStrictEqual({
      username: 'ann',
      password: 'pw',
    });
    const bob = { username: 'bob', password: 'pw' };
    expect(await credentialsOf({ url: 'redis://ann:secret@there', credentials: bob })).toBe(bob);
  });

  it('for TLS name no server with a NUL', () => {
    expect(refusal({ tls: { servername: 'a\0b' } })).toBe(
      "TypeError: The option 'tls.servername' holds a NUL character",
    );
  });

  it.each<[object, string]>([
    [{ tracer: 'mine' }, "The option 'telemetry.tracer' is a Tracer, or false, got a string"],
    [{ tracer: null }, "The option 'telemetry.tracer' is a Tracer, or false, got null"],
    [{ tracers: 1 }, "There is no option 'telemetry.tracers'"],
    [{ includeArgs: 1 }, "The option 'telemetry.includeArgs' is a boolean, got a number"],
    [{ redact: true }, "The option 'telemetry.redact' is a function, got a boolean"],
    [{ attributes: [] }, "The option 'telemetry.attributes' is an object, got an empty array"],
    [
      { attributes: { team: {} } },
      "The option 'telemetry.attributes.team' is a string, a number or a boolean, got an object (Object)",
    ],
  ])('for telemetry are refused where they are wrong: %j', (telemetry, message) => {
    expect(refusal({ telemetry })).toBe(`TypeError: ${message}`);
  });

  it('for telemetry turn asyncContext on, unless it is turned off', () => {
    expect(resolveOptions({ telemetry: true }).asyncContext).toBe(true);
    expect(resolveOptions({ telemetry: true, asyncContext: false }).asyncContext).toBe(false);
    expect(resolveOptions({ telemetry: false })).toMatchObject({ asyncContext: false, telemetry: undefined });
  });

  it.each<[keyof RedisOptions, unknown]>([
    ['host', 1],
    ['port', '6379'],
    ['path', 1],
    ['username', 1],
    ['password', 1],
    ['database', '0'],
    ['clientName', 1],
    ['protocol', '3'],
    ['connectTimeout', '1'],
    ['commandTimeout', '1'],
    ['readTimeout', null],
    ['writeTimeout', true],
    ['blockingGrace', {}],
    ['reconnect', 'yes'],
    ['retry', 3],
    ['prefix', 1],
    ['pipelineDepth', '1'],
    ['offlineQueue', '1'],
    ['readBufferSize', '65536'],
    ['writeBufferSize', '65536'],
    ['keepAlive', true],
    ['tls', 'yes'],
    ['tls', null],
    ['autoPipeline', 'no'],
    ['noDelay', 1],
    ['warnUnused', 'yes'],
    ['callSites', 'yes'],
    ['asyncContext', 'yes'],
    ['telemetry', 'yes'],
    ['debug', 'yes'],
    ['reconnectOnError', true],
    ['onConnect', 'PING'],
    ['onConnect', ['PING']],
    ['onConnect', [undefined]],
    ['credentials', 'hunter2'],
    ['credentials', null],
    ['reconnect', null],
    ['retry', null],
  ])('of the wrong type are refused by their names: %s', (name, value) => {
    expect(refusal({ [name]: value })).toMatch(new RegExp(`^TypeError: The option '${name}' is .*, got `));
  });

  it.each<[keyof RedisOptions, { least: number; most: number; orElse?: string }]>([
    ['port', { least: 1, most: 65_535 }],
    ['database', { least: 0, most: Number.MAX_SAFE_INTEGER }],
    ['connectTimeout', { least: 1, most: 2 ** 31 - 1 }],
    ['commandTimeout', { least: 1, most: 2 ** 31 - 1, orElse: ', or Infinity' }],
    ['readTimeout', { least: 1, most: 2 ** 31 - 1, orElse: ', or Infinity' }],
    ['writeTimeout', { least: 1, most: 2 ** 31 - 1, orElse: ', or Infinity' }],
    ['blockingGrace', { least: 1, most: 2 ** 31 - 1, orElse: ', or Infinity' }],
    ['pipelineDepth', { least: 1, most: Number.MAX_SAFE_INTEGER }],
    ['offlineQueue', { least: 0, most: Infinity }],
    ['readBufferSize', { least: 1024, most: 2 ** 30 }],
    ['writeBufferSize', { least: 1024, most: 2 ** 30 }],
    ['keepAlive', { least: 1_000, most: 32_767_000, orElse: ', or 0' }],
  ])('have a range: %s', (name, { least, most, orElse = '' }) => {
    expect(resolve({ [name]: least })).toHaveProperty(name, least);
    expect(resolve({ [name]: most })).toHaveProperty(name, most);
    for (const outside of [least - 1, NaN, -Infinity, ...(most === Infinity ? [] : [most + 1])]) {
      expect(refusal({ [name]: outside })).toBe(
        `TypeError: The option '${name}' is a number from ${least} to ${most}${orElse}, got ${outside}`,
      );
    }
  });

  it.each(['port', 'database', 'connectTimeout', 'pipelineDepth', 'offlineQueue', 'keepAlive'])(
    'that count things are whole numbers: %s',
    (name) => {
      expect(refusal({ [name]: 5000.5 })).toBe(`TypeError: The option '${name}' is a whole number, got 5000.5`);
    },
  );

  it.each([1, 500, 999])(
    'refuse a keepAlive of less than a second, which would be the default of the system: %d',
    (ms) => {
      expect(refusal({ keepAlive: ms })).toBe(
        `TypeError: The option 'keepAlive' is a number from 1000 to 32767000, or 0, got ${ms}`,
      );
      expect(resolve({ keepAlive: 0 })).toHaveProperty('keepAlive', 0);
    },
  );

  it.each(['commandTimeout', 'readTimeout', 'writeTimeout', 'blockingGrace'])(
    'that limit the time may be Infinity, for no limit: %s',
    (name) => expect(resolve({ [name]: Infinity })).toHaveProperty(name, Infinity),
  );

  it.each([
    [{ initialDelay: -1 }, 'initialDelay'],
    [{ maxDelay: -1 }, 'maxDelay'],
    [{ factor: 0.5 }, 'factor'],
    [{ jitter: 1.5 }, 'jitter'],
    [{ maxAttempts: -1 }, 'maxAttempts'],
    [{ initialDelay: '5' }, 'initialDelay'],
    [{ initialDelay: Infinity }, 'initialDelay'],
    [{ maxDelay: 2 ** 31 }, 'maxDelay'],
  ])('for reconnecting and retrying have ranges: %j', (given, name) => {
    for (const option of ['reconnect', 'retry']) {
      expect(refusal({ [option]: given })).toMatch(`TypeError: The option '${option}.${name}' is a number from `);
    }
  });

  it('for reconnecting and retrying are defaults, nothing, data or a function', () => {
    const decide = () => 5;
    for (const option of ['reconnect', 'retry'] as const) {
      expect(resolve({ [option]: true })[option]).toStrictEqual(resolveOptions()[option]);
      expect(resolve({ [option]: false })[option]).toBe(false);
      expect(resolve({ [option]: decide })[option]).toBe(decide);
      expect(resolve({ [option]: { initialDelay: 9 } })[option]).toMatchObject({ initialDelay: 9, factor: 2 });
    }
  });

  it.each([6379, null, true, ['there']])('are refused when they are none: %j', (given) => {
    expect(() => new Redis(given as never)).toThrow(/^new Redis: a URL or options were expected, got /);
  });

  it.each(['host', 'path'])('that say where the server is are not empty: %s', (name) => {
    expect(refusal({ [name]: '' })).toBe(`TypeError: The option '${name}' is not to be empty`);
  });

  it.each(['web 1', 'web\n', 'wéb', '\u0000'])('name the client in a way that servers take: %j', (clientName) => {
    expect(refusal({ clientName })).toMatch(
      /^TypeError: The option 'clientName' holds printable ASCII characters alone/,
    );
    expect(resolve({ clientName: 'web-1:[~]' })).toHaveProperty('clientName', 'web-1:[~]');
  });

  it('name the commands of onConnect as a list, or as a function that is asked for every connection', () => {
    const ping = call('PING');
    expect(resolveOptions().onConnect()).toStrictEqual([]);
    expect(resolveOptions({ onConnect: [ping] }).onConnect()).toStrictEqual([ping]);
    let asked = 0;
    const { onConnect } = resolveOptions({ onConnect: () => [call('ECHO', ++asked)] });
    expect([...onConnect(), ...onConnect()].map(({ args }) => args)).toStrictEqual([[1], [2]]);
  });

  it.each<[string, Command]>([
    ["SELECT: use the option 'database'", select(3)],
    ["SELECT: use the option 'database'", call('SELECT', 3)],
    ["AUTH: use the option 'password' or 'credentials'", auth('pw')],
    ["CLIENT SETNAME: use the option 'clientName'", clientSetname('web')],
    ["CLIENT SETNAME: use the option 'clientName'", call('client', Buffer.from('setname'), 'web')],
    ["HELLO: use the options 'protocol', 'username' and 'password'", call('HELLO', 3)],
    ['RESET: use dedicated(…)', call('RESET')],
    ['QUIT: use close()', call('QUIT')],
    ['MULTI: use dedicated(…)', multi()],
    ['EXEC: use dedicated(…)', call('EXEC')],
    ['DISCARD: use dedicated(…)', call('DISCARD')],
    ['WATCH: use watch(…)', call('WATCH', 'k')],
    ['MONITOR: use dedicated(…)', call('MONITOR')],
    ['SUBSCRIBE: use subscribe(…)', call('SUBSCRIBE', 'news')],
    ['SUNSUBSCRIBE: use unsubscribe() of the subscription', call('SUNSUBSCRIBE')],
    ['CLIENT REPLY: use dedicated(…)', clientReply('SKIP')],
    ['CLIENT REPLY: use dedicated(…)', call('CLIENT', 'REPLY', 'OFF')],
    ['BLPOP, which waits: use the client itself', blpop('list', 1)],
    ['PIPELINE, which is several commands: use those themselves', new Group([call('PING')])],
    ['MULTI, which is several commands: use those themselves', new Transaction([call('PING')])],
    ['XREAD, which waits: use the client itself', call('XREAD', 'BLOCK', 0, 'STREAMS', 's', '$')],
  ])('refuse in onConnect what they can say otherwise, or what cannot work there: %s', (why, command) => {
    const refusal = new TypeError(`The option 'onConnect' takes no ${why}`);
    expect(() => resolveOptions({ onConnect: [call('PING'), command] })).toThrow(refusal);
    const { onConnect } = resolveOptions({ onConnect: () => [command] });
    expect(onConnect).toThrow(refusal);
  });

  it('take no name in onConnect that holds arguments', () => {
    expect(() => resolveOptions({ onConnect: [call('CLIENT REPLY OFF')] })).toThrow(
      'call: CLIENT REPLY takes its arguments one by one',
    );
  });

  it('take in onConnect what holds for all who share the connection, and what does not wait', () => {
    const commands = [clientTracking('ON'), call('READONLY'), call('READWRITE'), call('XREAD', 'STREAMS', 's', 0)];
    expect(resolveOptions({ onConnect: commands }).onConnect()).toStrictEqual(commands);
  });

  it('hold the commands of onConnect as they were given, whatever becomes of the list', () => {
    const given: Command[] = [call('PING')];
    const { onConnect } = resolveOptions({ onConnect: given });
    given.push(select(3));
    expect(onConnect()).toHaveLength(1);
  });
});

describe('Credentials', () => {
  const ann = { username: 'ann', password: 'pw' };

  it('are none where none are given', async () => {
    expect(await credentialsOf({})).toBeUndefined();
  });

  it('are a password, or a user name with one', async () => {
    expect(await credentialsOf({ password: 'pw' })).toStrictEqual({ username: undefined, password: 'pw' });
    expect(await credentialsOf(ann)).toStrictEqual(ann);
    expect(refusal({ credentials: { username: 'ann' } })).toBe(
      "TypeError: The option 'credentials' needs a 'password', a string, got undefined",
    );
    expect(refusal({ username: 'ann' })).toMatch(/^TypeError: The option 'username' needs a 'password'/);
  });

  it('come as a value, from a function, a Promise or an Observable', async () => {
    expect(await credentialsOf({ credentials: ann })).toBe(ann);
    expect(await credentialsOf({ credentials: () => ann })).toBe(ann);
    expect(await credentialsOf({ credentials: () => Promise.resolve(ann) })).toBe(ann);
    expect(await credentialsOf({ credentials: () => of(ann) })).toBe(ann);
    expect(await credentialsOf({ credentials: of(ann) })).toBe(ann);
  });

  it('of an Observable come one after the other', async () => {
    const bob = { username: 'bob', password: 'pw' };
    const { credentials } = resolveOptions({ credentials: of(ann, bob) });
    expect(await lastValueFrom(credentials!().pipe(toArray()))).toStrictEqual([ann, bob]);
  });

  it('are asked for anew for every connection', async () => {
    let asked = 0;
    const { credentials } = resolveOptions({ credentials: () => ({ password: `token ${++asked}` }) });
    expect(await firstValueFrom(credentials!())).toStrictEqual({ password: 'token 1' });
    expect(await firstValueFrom(credentials!())).toStrictEqual({ password: 'token 2' });
  });

  it('stand in none of the resolved options', () => {
    const resolved = resolveOptions({ url: 'redis://ann:pw-1@there', password: 'pw-2' });
    expect(JSON.stringify(resolved)).not.toMatch(/pw-|ann/);
    expect(Object.keys(resolved)).not.toEqual(expect.arrayContaining(['password']));
  });
});

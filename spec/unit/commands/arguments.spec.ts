import * as c from 'rxjs-redis/commands';
import type { Arg, Command } from 'rxjs-redis/commands';

/** Callers without types, or with wrong ones. */
const untyped = c as unknown as Record<string, (...args: unknown[]) => Command>;

function refusal(method: string, ...args: unknown[]): string {
  try {
    untyped[method]?.(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  }
  throw new Error(`${method} took it`);
}

function argsOf(command: Command): readonly Arg[] {
  return command.args;
}

describe('a bad argument is refused at the call, with the names of command and argument', () => {
  it.each([
    ['get', [undefined], 'GET: key must be a string or bytes, got undefined'],
    ['get', [null], 'GET: key must be a string or bytes, got null'],
    ['get', [7], 'GET: key must be a string or bytes, got a number'],
    ['get', [{}], 'GET: key must be a string or bytes, got an object (Object)'],
    ['get', [() => 1], 'GET: key must be a string or bytes, got a function'],
    ['set', ['k', undefined], 'SET: value must be a string, a number, a bigint or bytes, got undefined'],
    ['set', ['k', Number.NaN], 'SET: value must be a string, a number, a bigint or bytes, got NaN'],
    ['set', ['k', new Date(0)], 'SET: value must be a string, a number, a bigint or bytes, got an object (Date)'],
    ['set', ['k', true], 'SET: value must be a string, a number, a bigint or bytes, got a boolean'],
    ['set', ['k', ['v']], 'SET: value must be a string, a number, a bigint or bytes, got an array of 1'],
    ['incrby', ['k', 1.5], 'INCRBY: increment must be a whole number within ±2^53, or a bigint, got a fraction'],
    ['incrby', ['k', 2 ** 53], /whole number within ±2\^53, or a bigint, got a number beyond ±2\^53/],
    ['incrby', ['k', '1'], 'INCRBY: increment must be a whole number within ±2^53, or a bigint, got a string'],
    ['zincrby', ['z', Number.NaN, 'm'], 'ZINCRBY: increment must be a number, got NaN'],
    ['zincrby', ['z', '1', 'm'], 'ZINCRBY: increment must be a number, got a string'],
    ['expireat', ['k', new Date(Number.NaN)], /EXPIREAT: timestamp must be a whole number.*got NaN/],
    ['lmove', ['a', 'b', 'LEFT', 'DOWN'], 'LMOVE: whereto must be one of LEFT, RIGHT, got a string'],
    ['expire', ['k', 1, 'nx'], 'EXPIRE: condition must be one of NX, XX, GT, LT, got a string'],
    ['expire', ['k', 1, 'NX', 'GT'], 'EXPIRE: conditions NX and GT exclude each other'],
    ['expire', ['k', 1, 'GT', 'NX'], 'EXPIRE: conditions GT and NX exclude each other'],
    ['pexpire', ['k', 1, ['GT', 'LT']], 'PEXPIRE: conditions GT and LT exclude each other'],
    ['pexpireat', ['k', 1, 'XX', 'XX'], 'PEXPIREAT: conditions XX and XX exclude each other'],
    ['expireat', ['k', 1, 'XX', 'GT', 'LT'], 'EXPIREAT: conditions GT and LT exclude each other'],
    ['bitfield', ['b', [{}]], /BITFIELD: operations must be \{ get \}, \{ set \} or \{ incrby \} objects/],
    ['bitfield', ['b', [{ get: 'u8', offset: '1' }]], /BITFIELD: offset must be a whole number/],
    ['bitfieldRo', ['b', 'GET'], /BITFIELD_RO: operations must be a list of operations/],
    ['zadd', ['z', 'a'], /ZADD: members must be \[score, member\] tuples/],
    ['geosearch', ['g', { BYPOLYGON: [[0, 0]] }], /GEOSEARCH: BYPOLYGON must be at least three/],
    ['geosearch', ['g', { FROMMEMBER: 'm', BYBOX: [1, 'M'] }], /GEOSEARCH: BYBOX must be 2 numbers and a unit/],
    ['xread', ['s'], /XREAD: streams must be an object or a Map/],
    ['xtrim', ['s', 10], /XTRIM: trim must be \{ MAXLEN \} or \{ MINID \}/],
    ['xpending', ['s', 'g', null], /XPENDING: range must be \{ start, end, count \}/],
    ['vadd', ['v', 'x', 'e'], /VADD: vector must be an array of numbers or \{ FP32: bytes \}/],
    ['vadd', ['v', { FP32: 'x' }, 'e'], /VADD: vector must be an array of numbers or \{ FP32: bytes \}/],
    ['commandList', [{}], /COMMAND LIST: filter must be/],
    ['hotkeysStart', [{}], /HOTKEYS START: METRICS must be CPU, NET or both/],
    ['clusterSetslot', [1, {}], /CLUSTER SETSLOT: state must be/],
    ['clusterSlotStats', [{}], /CLUSTER SLOT-STATS: filter must be/],
    ['clusterMigration', ['CANCEL'], /CLUSTER MIGRATION: task must be 'ALL' or \{ ID \}, got undefined/],
    ['clusterMigrateslots', [], /CLUSTER MIGRATESLOTS: migrations must be at least one/],
    ['clusterMigrateslots', ['x'], /CLUSTER MIGRATESLOTS: migrations must be \{ SLOTSRANGE, NODE \} objects/],
    ['hello', [undefined, { SETNAME: 'n' }], /HELLO: protover must be a whole number/],
    ['replicaof', ['host'], /REPLICAOF: port must be a whole number/],
    ['clientId', [], undefined],
    ['scan', [{}], /SCAN: cursor must be a whole number/],
  ] as const)('%s(%j)', (method, args, expected) => {
    if (expected === undefined) expect(untyped[method]?.(...args)).toBeInstanceOf(c.Command);
    else if (typeof expected === 'string') expect(refusal(method, ...args)).toBe(expected);
    else expect(refusal(method, ...args)).toMatch(expected);
  });

  it.each([
    ['lpush', ['l', []]],
    ['rpushx', ['l']],
    ['blpop', [[], 1]],
    ['blmpop', [1, [], 'LEFT']],
    ['sinter', [[]]],
    ['sdiff', []],
    ['sunionstore', ['d', []]],
    ['zinter', [[]]],
    ['zdiff', [[]]],
    ['zunionstore', ['d', []]],
    ['sintercard', [[]]],
    ['msetnx', [{}]],
    ['hsetex', ['h', {}]],
    ['xadd', ['s', '*', {}]],
    ['xread', [{}]],
    ['xread', [new Map()]],
    ['bitop', ['AND', 'd', []]],
    ['configSet', [{}]],
    ['clusterAddslots', []],
    ['clusterAddslotsrange', [[]]],
  ])('an empty list that implies no reply: %s(%j)', (method, args) => {
    expect(refusal(method, ...args)).toMatch(/^[A-Z ]+: \w+ must be (at least|tuples)/);
  });

  it.each([
    ['mset', [[['a']]]],
    ['mset', [[['a', 1, 2]]]],
    ['mset', [['a', 'b']]],
    ['mset', ['ab']],
    ['mset', [Buffer.from('ab')]],
    ['mset', [{ a: undefined }]],
    ['hset', ['h', { a: null }]],
    ['hset', ['h', 'f', undefined]],
    ['hset', ['h', undefined, 'v']],
    ['geoadd', ['g', [1, 2]]],
    ['geoadd', ['g', [[1, 'x', 'm']]]],
    ['zadd', ['z', [[1]]]],
    ['zadd', ['z', [[Number.NaN, 'm']]]],
    ['zadd', ['z', { m: 'high' }]],
    ['clusterAddslotsrange', [[1]]],
  ])('a wrong pair or tuple: %s(%j)', (method, args) => {
    expect(refusal(method, ...args)).toMatch(/^[A-Z ]+: [\w.]+ must be /);
  });

  it('names the field whose value is bad', () => {
    expect(refusal('mset', { fine: 1, bad: undefined })).toMatch(/^MSET: data\.bad must be/);
  });

  it('names an optional argument that stands in the place of one left out', () => {
    expect(refusal('bitcount', 'k', undefined, 5)).toBe('BITCOUNT: end needs start as well');
  });

  it('never repeats the value itself, which may be a secret', () => {
    expect(refusal('auth', 'user', { password: 'hunter2' })).not.toContain('hunter2');
    expect(refusal('expire', 'k', 1, 'hunter2')).not.toContain('hunter2');
  });
});

describe('options', () => {
  it.each([
    ['set', ['k', 'v', { FOO: 1 }], 'SET: unknown option FOO; known are NX, XX'],
    ['set', ['k', 'v', { ex: 1 }], 'SET: unknown option ex'],
    ['set', ['k', 'v', { NX: true, XX: true }], 'SET: options NX and XX exclude each other'],
    ['set', ['k', 'v', { EX: 1, KEEPTTL: true }], 'SET: options EX and KEEPTTL exclude each other'],
    ['set', ['k', 'v', { EX: 1.5 }], 'SET: EX must be a whole number'],
    ['set', ['k', 'v', { EX: null }], 'SET: EX must be a whole number'],
    ['set', ['k', 'v', { NX: 1 }], 'SET: NX must be true'],
    ['set', ['k', 'v', 'NX'], 'SET: options must be an object, got a string'],
    ['set', ['k', 'v', null], 'SET: options must be an object, got null'],
    ['set', ['k', 'v', ['NX']], 'SET: options must be an object, got an array of 1'],
    ['zadd', ['z', [1, 'a'], { NX: true, GT: true }], 'ZADD: options NX and GT exclude each other'],
    ['zrange', ['z', 0, 1, { LIMIT: [0, 1] }], 'ZRANGE: option LIMIT needs BY as well'],
    ['zrange', ['z', 0, 1, { BY: 'LEX', LIMIT: [0] }], 'ZRANGE: LIMIT must be a tuple of 2 values'],
    ['geosearch', ['g', { BYRADIUS: [1, 'M'] }], 'GEOSEARCH: option BYRADIUS needs FROMMEMBER or FROMLONLAT as well'],
    ['geosearch', ['g', { FROMMEMBER: 'm' }], 'GEOSEARCH: query must be told BYRADIUS, BYBOX or BYPOLYGON'],
    ['geosearch', ['g', { FROMMEMBER: 'm', BYRADIUS: [1, 'YD'] }], 'GEOSEARCH: BYRADIUS must be one of M, KM, FT, MI'],
    ['clientTracking', ['ON', { PREFIX: 'a' }], 'CLIENT TRACKING: option PREFIX needs BCAST as well'],
    ['lcs', ['a', 'b', { LEN: true, IDX: true }], 'LCS: options LEN and IDX exclude each other'],
    ['lcs', ['a', 'b', { MINMATCHLEN: 1 }], 'LCS: option MINMATCHLEN needs IDX as well'],
    ['restore', ['k', 0, 'v', { IDLETIME: 1, FREQ: 1 }], 'RESTORE: options IDLETIME and FREQ exclude each other'],
    [
      'xadd',
      ['s', '*', { a: 1 }, { TRIM: { MAXLEN: 1, MINID: '0' } }],
      'XADD: TRIM must be either { MAXLEN } or { MINID }',
    ],
    ['xadd', ['s', '1-1', { a: 1 }, { IDMP: ['p', 'i'] }], "XADD: options IDMP and IDMPAUTO need the id '*'"],
    ['xadd', ['s', '1-*', { a: 1 }, { IDMPAUTO: 'p' }], "XADD: options IDMP and IDMPAUTO need the id '*'"],
    ['xadd', ['s', '*', { a: 1 }, { TRIM: { MAXLEN: 1, LIMIT: 1 } }], 'XADD: option LIMIT needs exact: false as well'],
    ['xtrim', ['s', { MAXLEN: 1, FOO: 1 }], 'XTRIM: unknown option FOO'],
    ['clientKill', [{}], 'CLIENT KILL: filter must be at least one filter'],
    [
      'bitfield',
      ['b', [{ get: 'u8', offset: 0, overflow: 'SAT' }]],
      'BITFIELD: unknown option overflow; known are get, offset',
    ],
    ['bitfield', ['b', [{ get: 'u8', set: 'u8', offset: 0, value: 1 }]], 'BITFIELD: unknown option set'],
    ['bitfield', ['b', [{ set: 'u8', offset: 0, value: 1, OVERFLOW: 'SAT' }]], 'BITFIELD: unknown option OVERFLOW'],
    [
      'bitfield',
      ['b', [{ set: 'u8', offset: 0, value: 1, overflow: 'STOP' }]],
      'BITFIELD: overflow must be one of WRAP, SAT, FAIL',
    ],
    ['bitfield', ['b', [{ incrby: 'u8', offset: 0, by: 1, value: 1 }]], 'BITFIELD: unknown option value'],
    ['bitfieldRo', ['b', [{ get: 'u8', offset: 0, value: 1 }]], 'BITFIELD_RO: unknown option value'],
    [
      'xadd',
      ['s', '*', { a: 1 }, { TRIM: { MAXLEN: 1, REF: 'ACKED' } }],
      'XADD: unknown option REF; known are MAXLEN, MINID',
    ],
    ['xpending', ['s', 'g', { start: '-', end: '+', count: 1, idle: 5 }], 'XPENDING: unknown option idle'],
    ['vadd', ['v', { FP32: Buffer.alloc(4), dim: 1 }, 'e'], 'VADD: unknown option dim; known are FP32'],
    ['vsim', ['v', { ELE: 'e', COUNT: 1 }], 'VSIM: unknown option COUNT; known are ELE'],
    ['clusterMigration', ['CANCEL', { ID: 'x', ALL: true }], 'CLUSTER MIGRATION: unknown option ALL'],
    [
      'clusterMigrateslots',
      [{ SLOTSRANGE: [0, 1], NODE: 'n', TIMEOUT: 1 }],
      'CLUSTER MIGRATESLOTS: unknown option TIMEOUT; known are SLOTSRANGE, NODE',
    ],
    ['xcfgset', ['s', { FOO: 1 }], 'XCFGSET: unknown option FOO'],
  ])('%s(%j) is refused', (method, args, expected) => {
    expect(refusal(method, ...args)).toContain(expected);
  });

  it('that are undefined, and flags that are false, are not given', () => {
    expect(argsOf(untyped.set?.('k', 'v', { NX: false, EX: undefined, GET: false }) as Command)).toEqual(['k', 'v']);
  });

  it('travel in the order of the grammar, whatever order the caller chose', () => {
    expect(argsOf(c.set('k', 'v', { EX: 1, GET: true, XX: true }))).toEqual(['k', 'v', 'XX', 'GET', 'EX', 1]);
    expect(argsOf(c.zrange('z', 0, 9, { WITHSCORES: true, LIMIT: [0, 1], BY: 'SCORE' }))).toEqual([
      ...['z', 0, 9, 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES'],
    ]);
  });

  it('with yes and no may be false', () => {
    expect(argsOf(c.clientKill({ TYPE: 'NORMAL', SKIPME: false }))).toEqual(['TYPE', 'NORMAL', 'SKIPME', 'NO']);
  });
});

describe('what travels', () => {
  it('is the same for rest parameters and for one array', () => {
    expect(argsOf(c.del('a', 'b'))).toEqual(argsOf(c.del(['a', 'b'])));
    expect(argsOf(c.sadd('s', 1, 'b'))).toEqual(argsOf(c.sadd('s', [1, 'b'])));
    expect(argsOf(c.clusterAddslotsrange([0, 5], [7, 9]))).toEqual(
      argsOf(
        c.clusterAddslotsrange([
          [0, 5],
          [7, 9],
        ]),
      ),
    );
  });

  it('is the same for an object, a Map and tuples', () => {
    const wanted = ['h', 'a', 1, 'b', 'x'];
    expect(argsOf(c.hset('h', { a: 1, b: 'x' }))).toEqual(wanted);
    expect(
      argsOf(
        c.hset(
          'h',
          new Map<string, Arg>([
            ['a', 1],
            ['b', 'x'],
          ]),
        ),
      ),
    ).toEqual(wanted);
    expect(
      argsOf(
        c.hset('h', [
          ['a', 1],
          ['b', 'x'],
        ]),
      ),
    ).toEqual(wanted);
  });

  it('counts what the grammar wants counted', () => {
    expect(argsOf(c.zunionstore('d', ['a', 'b'], { WEIGHTS: [1, 2] }))).toEqual(['d', 2, 'a', 'b', 'WEIGHTS', 1, 2]);
    expect(argsOf(c.hsetex('h', { a: 1 }, { EX: 5 }))).toEqual(['h', 'EX', 5, 'FIELDS', 1, 'a', 1]);
    expect(argsOf(c.msetex({ a: 1, b: 2 }))).toEqual([2, 'a', 1, 'b', 2]);
    expect(argsOf(c.eval('return 1', ['k'], [1]))).toEqual(['return 1', 1, 'k', 1]);
    expect(argsOf(c.eval('return 1'))).toEqual(['return 1', 0]);
  });

  it('spells infinities as Redis reads them', () => {
    expect(
      argsOf(
        c.zadd('z', [
          [Infinity, 'a'],
          [-Infinity, 'b'],
        ]),
      ),
    ).toEqual(['z', '+inf', 'a', '-inf', 'b']);
    expect(argsOf(c.zcount('z', -Infinity, Infinity))).toEqual(['z', '-inf', '+inf']);
  });

  it('takes dates where a point in time is wanted, rounded up to the second', () => {
    expect(argsOf(c.expireat('k', new Date(1500)))).toEqual(['k', 2]);
    expect(argsOf(c.pexpireat('k', new Date(1500)))).toEqual(['k', 1500]);
    expect(argsOf(c.set('k', 'v', { EXAT: new Date(2000) }))).toEqual(['k', 'v', 'EXAT', 2]);
  });

  it('leaves bytes, bigints and -0 as they are', () => {
    const bytes = Buffer.from([0, 255]);
    expect(argsOf(c.set(bytes, 2n ** 63n))).toEqual([bytes, 2n ** 63n]);
  });

  it('takes OVERFLOW back for writes that say nothing of it', () => {
    const command = c.bitfield('b', [
      { incrby: 'u8', offset: 0, by: 1, overflow: 'SAT' },
      { incrby: 'u8', offset: 8, by: 1 },
    ]);
    expect(argsOf(command)).toEqual([
      ...['b', 'OVERFLOW', 'SAT', 'INCRBY', 'u8', 0, 1, 'OVERFLOW', 'WRAP', 'INCRBY', 'u8', 8, 1],
    ]);
  });
});

const NEAR = { FROMMEMBER: 'm', BYRADIUS: [1, 'KM'] } as const;

describe('what a repetition does', () => {
  it.each<[string, Command, string]>([
    ['GET', c.get('k'), 'read'],
    ['SET', c.set('k', 'v'), 'same'],
    ['SET EX', c.set('k', 'v', { EX: 1 }), 'same'],
    ['SET NX', c.set('k', 'v', { NX: true }), 'no'],
    ['SET GET', c.set('k', 'v', { GET: true }), 'no'],
    ['INCR', c.incr('k'), 'no'],
    ['GETEX', c.getex('k'), 'read'],
    ['GETEX EX', c.getex('k', { EX: 1 }), 'state'],
    ['BITFIELD GET', c.bitfield('k', [{ get: 'u8', offset: 0 }]), 'read'],
    ['BITFIELD SET', c.bitfield('k', [{ set: 'u8', offset: 0, value: 1 }]), 'no'],
    ['SORT', c.sort('k'), 'read'],
    ['SORT STORE', c.sort('k', { STORE: 'd' }), 'same'],
    ['ZADD', c.zadd('z', [1, 'a']), 'state'],
    ['ZADD INCR', c.zaddIncr('z', 1, 'a'), 'no'],
    ['ZUNIONSTORE', c.zunionstore('d', ['a', 'b']), 'same'],
    ['ZUNIONSTORE into a source', c.zunionstore('a', ['a', 'b']), 'no'],
    ['ZUNIONSTORE into a source, as bytes', c.zunionstore('a', [Buffer.from('a')]), 'no'],
    ['BITOP into a source', c.bitop('AND', 'a', 'a', 'b'), 'no'],
    ['LREM of all', c.lrem('l', 0, 'x'), 'state'],
    ['LREM of some', c.lrem('l', 1, 'x'), 'no'],
    ['LTRIM from the head', c.ltrim('l', 0, 5), 'same'],
    ['LTRIM from elsewhere', c.ltrim('l', 1, 5), 'no'],
    ['XADD *', c.xadd('s', '*', { a: 1 }), 'no'],
    ['XADD with an id', c.xadd('s', '1-1', { a: 1 }), 'state'],
    ['XADD with half an id', c.xadd('s', '1-*', { a: 1 }), 'no'],
    ['XADD with an id in bytes', c.xadd('s', Buffer.from('1-1'), { a: 1 }), 'state'],
    ['XADD * in bytes', c.xadd('s', Buffer.from('*'), { a: 1 }), 'no'],
    ['XADD IDMP, which streams forget', c.xadd('s', '*', { a: 1 }, { IDMP: ['p', 'i'] }), 'no'],
    ['XTRIM', c.xtrim('s', { MAXLEN: 1 }), 'state'],
    ['XTRIM up to a limit', c.xtrim('s', { MAXLEN: 1, exact: false }), 'no'],
    ['XREAD', c.xread({ s: '0', t: '+' }), 'read'],
    ['XREAD of what comes', c.xread({ s: '0', t: '$' }, { BLOCK: 1 }), 'state'],
    ['XREAD of what comes, as bytes', c.xread(new Map([['s', Buffer.from('$') as never]])), 'state'],
    ['XREAD of a stream called $', c.xread({ $: '0' }), 'read'],
    ['XGROUP SETID', c.xgroupSetid('s', 'g', '0'), 'same'],
    ['XGROUP SETID to the end', c.xgroupSetid('s', 'g', '$'), 'no'],
    ['XGROUP CREATE at the end', c.xgroupCreate('s', 'g', '$'), 'state'],
    ['SDIFFSTORE', c.sdiffstore('d', 'a', 'b'), 'same'],
    ['SDIFFSTORE into a source', c.sdiffstore('b', 'a', 'b'), 'no'],
    ['SDIFFSTORE into a source of a list, as bytes', c.sdiffstore('b', ['a', Buffer.from('b')]), 'no'],
    ['SUNIONSTORE into a source', c.sunionstore('b', 'a', 'b'), 'same'],
    ['SINTERSTORE into a source', c.sinterstore('b', 'a', 'b'), 'same'],
    ['PFMERGE into a source', c.pfmerge('b', 'a', 'b'), 'same'],
    ['ZDIFFSTORE', c.zdiffstore('d', ['a', 'b']), 'same'],
    ['ZDIFFSTORE into a source', c.zdiffstore('b', ['a', 'b']), 'no'],
    ['ZRANGESTORE into its source', c.zrangestore('a', Buffer.from('a'), 0, 1), 'no'],
    ['SORT STORE of a part into its source', c.sort('l', { LIMIT: [1, 2], STORE: 'l' }), 'no'],
    ['SORT STORE into a weight', c.sort('l', { BY: 'w_*', STORE: 'w_1' }), 'no'],
    ['SORT STORE into a weight, as bytes', c.sort('l', { BY: 'w_*', STORE: Buffer.from('w_1') }), 'no'],
    ['SORT STORE into what GET names', c.sort('l', { GET: ['#', 'x:*:y'], STORE: 'x:1:y' }), 'no'],
    ['SORT STORE into a hash that GET names', c.sort('l', { GET: 'x:*->f', STORE: 'x:1' }), 'no'],
    ['SORT STORE beside what patterns name', c.sort('l', { BY: 'w_*', GET: ['#', 'x:*:y'], STORE: 'x:y' }), 'same'],
    ['SORT STORE unsorted', c.sort('l', { BY: 'nosort', STORE: 'nosort' }), 'same'],
    ['GEOSEARCHSTORE', c.geosearchstore('d', 'g', NEAR), 'same'],
    ['GEOSEARCHSTORE into its source', c.geosearchstore('g', 'g', { ...NEAR, STOREDIST: true }), 'no'],
    ['GEORADIUS', c.georadius('g', 1, 2, 3, 'M'), 'read'],
    ['GEORADIUS with options', c.georadius('g', 1, 2, 3, 'M', { COUNT: 1 }), 'read'],
    ['GEORADIUS STORE', c.georadius('g', 1, 2, 3, 'M', { STORE: 'd' }), 'same'],
    ['GEORADIUS STORE into its source', c.georadius('g', 1, 2, 3, 'M', { STORE: 'g' }), 'no'],
    ['GEORADIUSBYMEMBER STOREDIST into its source', c.georadiusbymember('g', 'm', 3, 'M', { STOREDIST: 'g' }), 'no'],
    ['ACL DELUSER', c.aclDeluser('alice'), 'state'],
    ['ACL LOG', c.aclLog(), 'read'],
    ['ACL LOG RESET', c.aclLog('RESET'), 'same'],
    ['ACL SETUSER', c.aclSetuser('alice', 'on', '>pw', '~a', '~b', '+get'), 'same'],
    ['ACL SETUSER without a password', c.aclSetuser('alice', '<pw'), 'no'],
    ['ACL SETUSER without a hash, in a list', c.aclSetuser('alice', ['on', Buffer.from('!00')]), 'no'],
    ['ACL SETUSER with a selector', c.aclSetuser('alice', '(+get ~a)'), 'no'],
    ['ACL SETUSER with a pattern before all', c.aclSetuser('alice', '~a', 'ALLKEYS'), 'no'],
    ['ACL SETUSER with all before a pattern', c.aclSetuser('alice', '~*', '&*', '+get'), 'same'],
    ['LATENCY RESET', c.latencyReset(), 'state'],
    ['HOTKEYS STOP', c.hotkeysStop(), 'state'],
    ['REPLICAOF', c.replicaof('host', 1), 'state'],
    ['REPLICAOF NO ONE', c.replicaof('NO ONE'), 'same'],
    ['HGETEX', c.hgetex('h', 'f'), 'read'],
    ['HGETEX EX', c.hgetex('h', 'f', { EX: 1 }), 'state'],
    ['COPY', c.copy('a', 'b'), 'state'],
    ['COPY REPLACE', c.copy('a', 'b', { REPLACE: true }), 'same'],
  ])('%s', (_name, command, replay) => {
    expect(command.spec.replay).toBe(replay);
  });
});

describe('An Object.prototype that a library has extended', () => {
  const everyObject = Object.prototype as { extend?: unknown };
  beforeEach(() => {
    everyObject.extend = () => undefined;
  });
  afterEach(() => {
    delete everyObject.extend;
  });

  it('adds no option to any command', () => {
    expect(c.set('k', 'v', { EX: 10, NX: true }).args).toStrictEqual(c.set('k', 'v', { NX: true, EX: 10 }).args);
    expect(c.set('k', 'v', { EX: 10 }).args).toStrictEqual(['k', 'v', 'EX', 10]);
    expect(c.bitfield('k', [{ get: 'u8', offset: 0 }]).args).toStrictEqual(['k', 'GET', 'u8', 0]);
    expect(c.hset('k', { f: 1 }).args).toStrictEqual(['k', 'f', 1]);
  });

  it('hides no option that is unknown', () => {
    expect(() => c.set('k', 'v', { extend: true } as never)).toThrow('SET: unknown option extend');
    expect(() => c.bitfield('k', [{ get: 'u8', offset: 0, extend: 1 } as never])).toThrow(/unknown option extend/);
  });
});

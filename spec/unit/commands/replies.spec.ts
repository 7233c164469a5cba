import * as c from 'rxjs-redis/commands';
import type { Command } from 'rxjs-redis/commands';
import { ErrorFrame, type Frame } from '../../../src/resp/frames';

const STRINGS = { bytes: false, prefix: '' };
const BYTES = { bytes: true, prefix: '' };
const PREFIXED = { bytes: false, prefix: 'app:' };

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

describe('a report', () => {
  const [ours, theirs] = ['name=ours,ver=1,usedby=[],options=[a:b]', 'name=theirs,ver=2,usedby=[],options=[]'];

  it('keeps every one of the lines that repeat a name', () => {
    const text = `# Server\r\nredis_version:8.0.2\r\n\r\n# Modules\r\nmodule:${ours}\r\nmodule:${theirs}\r\nmodule:\r\n`;
    expect(c.info().read(text, STRINGS)).toEqual({
      server: { redis_version: '8.0.2' },
      modules: { module: `${ours}\n${theirs}\n` },
    });
    expect(c.clusterInfo().read('a:1\r\nb:2\r\na:3\r\n', STRINGS)).toEqual({ a: '1\n3', b: '2' });
  });

  it('may begin without a section, and name one twice', () => {
    expect(c.info().read('x:1\r\n# A\r\nx:2\r\n# B\r\n# A\r\nx:3\r\ny:__proto__\r\n', STRINGS)).toEqual({
      '': { x: '1' },
      a: { x: '2\n3', y: '__proto__' },
      b: {},
    });
  });
});

describe('a reply is the same from RESP2 and from RESP3', () => {
  it.each<[string, Command, resp2: Frame, resp3: Frame, value: unknown]>([
    [
      'HGETALL',
      c.hgetall('h'),
      ['a', '1', 'b', '2'],
      new Map([
        ['a', '1'],
        ['b', '2'],
      ]),
      { a: '1', b: '2' },
    ],
    ['ZSCORE', c.zscore('z', 'm'), '1.5', 1.5, 1.5],
    ['ZSCORE inf', c.zscore('z', 'm'), '-inf', -Infinity, -Infinity],
    ['ZSCORE nil', c.zscore('z', 'm'), null, null, null],
    ['ZINCRBY', c.zincrby('z', 1, 'm'), '3', 3, 3],
    ['VISMEMBER', c.vismember('v', 'e'), 1, true, true],
    ['VISMEMBER no', c.vismember('v', 'e'), 0, false, false],
    [
      'ZRANGE WITHSCORES',
      c.zrange('z', 0, -1, { WITHSCORES: true }),
      ['a', '1', 'b', 'inf'],
      [
        ['a', 1],
        ['b', Infinity],
      ],
      [
        { member: 'a', score: 1 },
        { member: 'b', score: Infinity },
      ],
    ],
    ['ZRANGE WITHSCORES of nothing', c.zrange('z', 0, -1, { WITHSCORES: true }), [], [], []],
    ['ZPOPMIN', c.zpopmin('z'), ['a', '1'], ['a', 1], { member: 'a', score: 1 }],
    ['ZPOPMIN of nothing', c.zpopmin('z'), [], [], null],
    [
      'ZPOPMIN 2',
      c.zpopmin('z', 2),
      ['a', '1', 'b', '2'],
      [
        ['a', 1],
        ['b', 2],
      ],
      [
        { member: 'a', score: 1 },
        { member: 'b', score: 2 },
      ],
    ],
    ['HRANDFIELD WITHVALUES', c.hrandfield('h', 1, { WITHVALUES: true }), ['f', 'v'], [['f', 'v']], [['f', 'v']]],
    [
      'XREAD',
      c.xread({ s: '0' }),
      [['s', [['1-1', ['a', '1']]]]],
      new Map<Frame, Frame>([['s', [['1-1', ['a', '1']]]]]),
      { s: [{ id: '1-1', fields: { a: '1' } }] },
    ],
    ['XREAD of nothing', c.xread({ s: '0' }), null, null, null],
    ['TIME', c.time(), ['1700000000', '42'], ['1700000000', '42'], [1700000000, 42]],
    ['CONFIG GET', c.configGet('a*'), ['a', '1'], new Map([['a', '1']]), { a: '1' }],
    [
      'VSIM WITHSCORES',
      c.vsim('v', [1], { WITHSCORES: true }),
      ['10', '0.9', '2', '0.5'],
      new Map<Frame, Frame>([
        ['10', 0.9],
        ['2', 0.5],
      ]),
      [
        { element: '10', score: 0.9 },
        { element: '2', score: 0.5 },
      ],
    ],
    [
      'VSIM with both',
      c.vsim('v', [1], { WITHSCORES: true, WITHATTRIBS: true }),
      ['a', '0.9', '{}', 'b', '0.5', null],
      new Map<Frame, Frame>([
        ['a', [0.9, '{}']],
        ['b', [0.5, null]],
      ]),
      [
        { element: 'a', score: 0.9, attributes: '{}' },
        { element: 'b', score: 0.5, attributes: null },
      ],
    ],
    [
      'VINFO',
      c.vinfo('v'),
      ['size', 2, 'quant-type', 'int8'],
      new Map<Frame, Frame>([
        ['size', 2],
        ['quant-type', 'int8'],
      ]),
      { size: 2, 'quant-type': 'int8' },
    ],
    ['VINFO of nothing', c.vinfo('v'), null, null, null],
    ['VEMB', c.vemb('v', 'e'), ['0.5', '1'], [0.5, 1], [0.5, 1]],
    [
      'VEMB RAW',
      c.vemb('v', 'e', { RAW: true }),
      ['int8', Buffer.from([1]), '1.5', '0.5'],
      ['int8', Buffer.from([1]), 1.5, 0.5],
      { quantization: 'int8', bytes: Buffer.from([1]), norm: 1.5, range: 0.5 },
    ],
    ['VEMB RAW of nothing', c.vemb('v', 'e', { RAW: true }), null, null, null],
    [
      'VLINKS WITHSCORES',
      c.vlinks('v', 'e', { WITHSCORES: true }),
      [['a', '0.5']],
      [new Map<Frame, Frame>([['a', 0.5]])],
      [[{ element: 'a', score: 0.5 }]],
    ],
    [
      'VSIM WITHATTRIBS',
      c.vsim('v', [1], { WITHATTRIBS: true }),
      ['a', '{}', 'b', null],
      new Map<Frame, Frame>([
        ['a', '{}'],
        ['b', null],
      ]),
      [
        { element: 'a', attributes: '{}' },
        { element: 'b', attributes: null },
      ],
    ],
    [
      'CLUSTER LINKS',
      c.clusterLinks(),
      [['direction', 'to', 'node', 'aa', 'create-time', 1]],
      [
        new Map<Frame, Frame>([
          ['direction', 'to'],
          ['node', 'aa'],
          ['create-time', 1],
        ]),
      ],
      [{ direction: 'to', node: 'aa', 'create-time': 1 }],
    ],
    [
      'CLUSTER SLOT-STATS',
      c.clusterSlotStats({ SLOTSRANGE: [0, 1] }),
      [[0, ['key-count', 2]]],
      [[0, new Map<Frame, Frame>([['key-count', 2]])]],
      [[0, { 'key-count': 2 }]],
    ],
    [
      'CLUSTER SHARDS',
      c.clusterShards(),
      [['slots', [0, 5, 7, 9], 'nodes', [['id', 'aa', 'port', 1, 'endpoint', null]]]],
      [
        new Map<Frame, Frame>([
          ['slots', [0, 5, 7, 9]],
          [
            'nodes',
            [
              new Map<Frame, Frame>([
                ['id', 'aa'],
                ['port', 1],
                ['endpoint', null],
              ]),
            ],
          ],
        ]),
      ],
      [
        {
          slots: [
            [0, 5],
            [7, 9],
          ],
          nodes: [{ id: 'aa', port: 1, endpoint: null }],
        },
      ],
    ],
    [
      'HOTKEYS GET',
      c.hotkeysGet(),
      [new Map<Frame, Frame>([['a', 1]])],
      [new Map<Frame, Frame>([['a', 1]])],
      [{ a: 1 }],
    ],
    ['PING on a subscribed RESP2 connection', c.ping(), ['pong', ''], 'PONG', 'PONG'],
    ['GEODIST', c.geodist('g', 'a', 'b', 'KM'), '166.2742', '166.2742', 166.2742],
    ['GEODIST of nobody', c.geodist('g', 'a', 'b'), null, null, null],
    [
      'GEOSEARCH WITHDIST',
      c.geosearch('g', { FROMMEMBER: 'a', BYRADIUS: [1, 'KM'], WITHDIST: true, WITHHASH: true }),
      [['a', '0.0000', 3479447370796909]],
      [['a', '0.0000', 3479447370796909]],
      [{ member: 'a', distance: 0, hash: 3479447370796909 }],
    ],
    ['GEOPOS', c.geopos('g', 'a', 'b'), [['1.5', '2'], null], [[1.5, 2], null], [[1.5, 2], null]],
    ['GEORADIUS STORE of nothing on Redis 6.0', c.georadius('g', 1, 2, 3, 'M', { STORE: 'd' }), [], [], 0],
  ])('%s', (_name, command, resp2, resp3, value) => {
    expect(command.read(resp2, STRINGS)).toEqual(value);
    expect(command.read(resp3, STRINGS)).toEqual(value);
  });
});

describe('records', () => {
  it('have no prototype that a field could reach', () => {
    const record = c.hgetall('h').read(
      new Map([
        ['__proto__', 'x'],
        ['constructor', 'y'],
      ]),
      STRINGS,
    );
    expect(Object.getPrototypeOf(record)).toBeNull();
    expect(Object.keys(record)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).x).toBeUndefined();
  });

  it('are Maps by Buffer on the byte surface, where two names may decode to the same text', () => {
    const [one, other] = [Buffer.from([0xff]), Buffer.from([0xfe])];
    const map = c.hgetall('h').read([one, bytes('1'), other, bytes('2')], BYTES) as unknown as Map<Buffer, Buffer>;
    expect([...map]).toEqual([
      [one, bytes('1')],
      [other, bytes('2')],
    ]);
  });

  it('keep the order of similarity for names that look like numbers', () => {
    const command = c.vsim('v', [1], { WITHSCORES: true });
    expect(command.read(['9', '0.9', '1', '0.1'], STRINGS).map(({ element }) => element)).toEqual(['9', '1']);
  });
});

describe('integers beyond 2^53', () => {
  it('are delivered as they came, never rounded', () => {
    expect(c.incr('k').read(9007199254740993n, STRINGS)).toBe(9007199254740993n);
    expect(c.lpos('l', 'x', { COUNT: 0 }).read([1, 9007199254740993n], STRINGS)).toEqual([1, 9007199254740993n]);
  });
});

function toBytes(frame: Frame): Frame {
  if (Array.isArray(frame)) return frame.map(toBytes);
  return typeof frame === 'string' ? Buffer.from(frame) : frame;
}

describe('the prefix comes off', () => {
  it.each<[string, Command, Frame, unknown]>([
    ['KEYS', c.keys('*'), ['app:a', 'app:b'], ['a', 'b']],
    ['RANDOMKEY', c.randomkey(), 'app:a', 'a'],
    ['RANDOMKEY of nothing', c.randomkey(), null, null],
    ['SCAN', c.scan(0), ['0', ['app:a']], ['0', ['a']]],
    ['BLPOP', c.blpop('a', 0), ['app:a', 'app:x'], ['a', 'app:x']],
    ['LMPOP', c.lmpop('a', 'LEFT'), ['app:a', ['x']], ['a', ['x']]],
    ['BZPOPMIN', c.bzpopmin('a', 0), ['app:a', 'm', 1], ['a', 'm', 1]],
    ['XREAD', c.xread({ s: '0' }), [['app:s', []]], { s: [] }],
    ['PUBSUB CHANNELS', c.pubsubChannels(), ['app:news'], ['news']],
    [
      'PUBSUB CHANNELS of notifications',
      c.pubsubChannels(),
      ['__keyspace@0__:app:k', '__keyspace@0__:k'],
      ['__keyspace@0__:k'],
    ],
    ['PUBSUB NUMSUB', c.pubsubNumsub('news'), ['app:news', 2], { news: 2 }],
    ['PUBSUB NUMSUB of notifications', c.pubsubNumsub('x'), ['__keyspace@0__:app:k', 2], { '__keyspace@0__:k': 2 }],
    ['PUBSUB SHARDNUMSUB', c.pubsubShardnumsub('news'), ['app:news', 2], { news: 2 }],
    ['CLUSTER GETKEYSINSLOT', c.clusterGetkeysinslot(1, 1), ['app:a'], ['a']],
    ['GET', c.get('a'), 'app:value', 'app:value'],
    ['LRANGE', c.lrange('l', 0, 1), ['app:value'], ['app:value']],
  ])('%s', (_name, command, frame, value) => {
    expect(command.read(frame, PREFIXED)).toEqual(value);
  });

  it('of binary keys too', () => {
    const key = Buffer.concat([bytes('app:'), Buffer.from([0, 255])]);
    expect(c.randomkey().read(key, { bytes: true, prefix: 'app:' })).toEqual(Buffer.from([0, 255]));
  });

  it.each<[string, Command, Frame, unknown]>([
    ['KEYS', c.keys('*'), ['app:a', 'a', 'app'], ['a']],
    ['SCAN', c.scan(0), ['0', ['app:a', 'a']], ['0', ['a']]],
    ['CLUSTER GETKEYSINSLOT', c.clusterGetkeysinslot(1, 2), ['app:a', 'a'], ['a']],
    ['PUBSUB CHANNELS', c.pubsubChannels(), ['app:news', 'news'], ['news']],
  ])('and what lacks it is left out: %s', (_name, command, frame, value) => {
    expect(command.read(frame, PREFIXED)).toEqual(value);
  });

  it.each<[string, Command, Frame]>([
    ['RANDOMKEY', c.randomkey(), 'ap'],
    ['BLPOP', c.blpop('a', 0), ['a', 'x']],
    ['XREAD', c.xread({ s: '0' }), [['s', []]]],
    ['PUBSUB NUMSUB', c.pubsubNumsub('news'), ['news', 2]],
  ])('and what lacks it cannot be read where one key was asked for: %s', (_name, command, frame) => {
    const refusal = "with the client's prefix, got another one";
    expect(() => command.read(frame, PREFIXED)).toThrow(refusal);
    expect(() => command.read(toBytes(frame), { bytes: true, prefix: 'app:' })).toThrow(refusal);
  });
});

describe('reports of the server', () => {
  it('INFO is read section by section, duplicates and text without a section included', () => {
    const text =
      'loose:1\r\n# Server\r\nredis_version:7.0.15\r\nexecutable:/usr/bin/a:b\r\n\r\n# Keyspace\r\ndb0:keys=1,expires=0\r\n';
    expect(c.info().read(text, STRINGS)).toEqual({
      '': { loose: '1' },
      server: { redis_version: '7.0.15', executable: '/usr/bin/a:b' },
      keyspace: { db0: 'keys=1,expires=0' },
    });
    expect(c.info().read(bytes(text), BYTES)).toMatchObject({ server: { redis_version: '7.0.15' } });
  });

  it('CLIENT LIST has numbers where fields count, text where they name', () => {
    const line =
      'id=3 addr=127.0.0.1:5 name=7 age=10 idle=0 flags=N db=2 qbuf-free=20448 cmd=client|list user=default redir=-1 lib-name= x\n';
    expect(c.clientList().read(`${line}${line}`, STRINGS)).toHaveLength(2);
    expect(c.clientList().read(line, STRINGS)[0]).toMatchObject({
      id: 3,
      addr: '127.0.0.1:5',
      name: '7',
      db: 2,
      'qbuf-free': 20448,
      redir: -1,
      'lib-name': '',
    });
    expect(c.clientInfo().read(line, STRINGS)).toMatchObject({ id: 3 });
  });

  it('CLUSTER NODES is read line by line, slots on the move included', () => {
    const text = [
      'aa 127.0.0.1:30001@31001,host-1,shard-id=x myself,master - 0 1 2 connected 0-5460 7000 [77-<-bb] [78->-cc]',
      'bb :0@0 slave,noaddr aa 1 2 3 disconnected',
      'cc 127.0.0.1:30003 noflags - 0 0 0 connected',
      '',
    ].join('\n');
    const [first, second, third] = c.clusterNodes().read(text, STRINGS);
    expect(first).toEqual({
      id: 'aa',
      host: '127.0.0.1',
      port: 30001,
      busPort: 31001,
      hostname: 'host-1',
      flags: ['myself', 'master'],
      primary: null,
      pingSent: 0,
      pongReceived: 1,
      epoch: 2,
      link: 'connected',
      slots: [
        [0, 5460],
        [7000, 7000],
      ],
      moving: [
        { slot: 77, direction: 'importing', node: 'bb' },
        { slot: 78, direction: 'migrating', node: 'cc' },
      ],
    });
    expect(second).toMatchObject({ host: '', port: 0, primary: 'aa', hostname: null, slots: [] });
    expect(third).toMatchObject({ flags: [], busPort: 0 });
  });

  it('CLUSTER SLOTS has nodes with and without what later servers tell', () => {
    const reply: Frame = [
      [0, 99, ['127.0.0.1', 1, 'aa'], [null, 2, 'bb', ['hostname', 'h']]],
      [100, 200, ['h', 3]],
    ];
    expect(c.clusterSlots().read(reply, STRINGS)).toEqual([
      {
        start: 0,
        end: 99,
        nodes: [
          { host: '127.0.0.1', port: 1, id: 'aa', metadata: {} },
          { host: null, port: 2, id: 'bb', metadata: { hostname: 'h' } },
        ],
      },
      { start: 100, end: 200, nodes: [{ host: 'h', port: 3, id: '', metadata: {} }] },
    ]);
  });

  it('ROLE is told apart by its first word', () => {
    expect(c.role().read(['master', 7, [['h', '1', '5']]], STRINGS)).toEqual({
      role: 'master',
      offset: 7,
      replicas: [{ host: 'h', port: 1, offset: 5 }],
    });
    expect(c.role().read(['slave', 'h', 1, 'connected', 9], STRINGS)).toMatchObject({
      role: 'slave',
      host: 'h',
      state: 'connected',
    });
    expect(c.role().read(['sentinel', ['mymaster']], STRINGS)).toEqual({ role: 'sentinel', masters: ['mymaster'] });
  });

  it('fields that a newer server adds are kept', () => {
    const reply = new Map<Frame, Frame>([
      ['length', 1],
      ['brand-new', new Map<Frame, Frame>([['a', [1.5, true]]])],
    ]);
    expect(c.xinfoStream('s').read(reply, STRINGS)).toEqual({ length: 1, 'brand-new': { a: [1.5, true] } });
  });

  it('ACL GETUSER has patterns as text, whether the server lists them or not', () => {
    const old = ['flags', ['on'], 'passwords', [], 'commands', '+@all', 'keys', ['~a', '~b'], 'channels', ['*']];
    expect(c.aclGetuser('u').read(old, STRINGS)).toMatchObject({ keys: '~a ~b', channels: '*' });
    expect(c.aclGetuser('u').read(null, STRINGS)).toBeNull();
  });

  it('slow commands come with and without address and name', () => {
    expect(c.slowlogGet().read([[1, 2, 3, ['GET', 'k']]], STRINGS)).toEqual([
      { id: 1, timestamp: 2, duration: 3, arguments: ['GET', 'k'], address: '', name: '' },
    ]);
  });

  it('latency events come with and without sum and count', () => {
    const old = { event: 'command', timestamp: 1, latest: 2, worst: 3 };
    expect(
      c.latencyLatest().read(
        [
          ['command', 1, 2, 3],
          ['command', 1, 2, 3, 4, 5],
        ],
        STRINGS,
      ),
    ).toEqual([old, { ...old, sum: 4, count: 5 }]);
  });

  it('a command that answers nothing reads as undefined', () => {
    expect(c.clientReply('SKIP').read(null, STRINGS)).toBeUndefined();
    expect(c.clientReply('ON').read('OK', STRINGS)).toBe('OK');
    expect(c.shutdown().read(null, STRINGS)).toBeUndefined();
  });

  it('scripts may answer anything, errors inside as values', () => {
    const value = c
      .eval('')
      .read([1, 'a', null, new ErrorFrame('ERR no'), new Map<Frame, Frame>([[1, true]])], STRINGS) as unknown[];
    expect(value.slice(0, 3)).toEqual([1, 'a', null]);
    expect(value[3]).toMatchObject({ name: 'ReplyError', kind: 'ERR' });
    expect(value[4]).toEqual({ 1: true });
  });

  it('entries that were deleted while pending are left out of what Redis 6 lets one claim', () => {
    expect(c.xclaim('s', 'g', 'c', 0, '1-1').read([null, ['1-2', ['a', '1']]], STRINGS)).toEqual([
      { id: '1-2', fields: { a: '1' } },
    ]);
    expect(c.xautoclaim('s', 'g', 'c', 0, '0').read(['0-0', [['1-1', ['a', '1']]]], STRINGS)).toEqual([
      ...['0-0', [{ id: '1-1', fields: { a: '1' } }], []],
    ]);
  });

  it('binary replies are Buffers on the string surface too', () => {
    expect(c.dump('k').read(Buffer.from([0, 255]), STRINGS)).toEqual(Buffer.from([0, 255]));
    expect(c.dump('k').read(null, STRINGS)).toBeNull();
    expect(c.dump('k').spec.binary).toBe(true);
  });
});

describe('a reply of a shape that the command never promised throws, and tells what was expected', () => {
  it.each<[string, Command, Frame, string]>([
    ['GET', c.get('k'), 1, 'expected a string or null, got a number'],
    ['GET', c.get('k'), ['x'], 'expected a string or null, got an array of 1'],
    ['INCR', c.incr('k'), 'x', 'expected an integer, got a string'],
    ['INCR', c.incr('k'), null, 'expected an integer, got null'],
    ['SET', c.set('k', 'v'), 7, 'expected a string, got a number'],
    ['HGETALL', c.hgetall('h'), 'x', 'expected a map, got a string'],
    ['HGETALL', c.hgetall('h'), ['a'], 'expected an array of names and values, got an array of 1'],
    ['MGET', c.mget('a'), [1], 'expected a string or null, got a number'],
    ['LRANGE', c.lrange('l', 0, 1), new Map(), 'expected an array, got a map'],
    ['BLPOP', c.blpop('l', 0), ['a'], 'expected an array of 2, got an array of 1'],
    ['ZSCORE', c.zscore('z', 'm'), 'high', 'expected a number, got a string'],
    ['ZSCORE', c.zscore('z', 'm'), '', 'expected a number, got a string'],
    ['VISMEMBER', c.vismember('v', 'e'), 2, 'expected a boolean, got a number'],
    ['TIME', c.time(), ['now', '1'], 'expected an integer, got a string'],
    ['XRANGE', c.xrange('s', '-', '+'), [['1-1']], 'expected an entry of a stream, got an array of 1'],
    ['CLUSTER SLOTS', c.clusterSlots(), [[1]], 'expected a range of slots, got an array of 1'],
    ['CLUSTER SLOTS', c.clusterSlots(), [[0, 1, ['h']]], 'expected the address of a node, got an array of 1'],
    ['VEMB', c.vemb('v', 'e', { RAW: true }), ['fp32'], 'expected a raw vector, got an array of 1'],
    [
      'VSIM',
      c.vsim('v', [1], { WITHSCORES: true, WITHATTRIBS: true }),
      ['a', '1'],
      'expected elements with scores and attributes',
    ],
    ['SLOWLOG GET', c.slowlogGet(), [[1, 2]], 'expected a slow command, got an array of 2'],
    ['LATENCY LATEST', c.latencyLatest(), [['command']], 'expected a latency event, got an array of 1'],
    [
      'LCS',
      c.lcs('a', 'b', { IDX: true }),
      new Map<Frame, Frame>([['matches', [[[0, 1]]]]]),
      'expected a match, got an array of 1',
    ],
    ['XPENDING', c.xpending('s', 'g'), [1], 'expected a summary of what is pending'],
    ['XAUTOCLAIM', c.xautoclaim('s', 'g', 'c', 0, '0'), ['0-0'], 'expected a cursor and entries'],
    ['XREADGROUP', c.xreadgroup('g', 'c', { s: '>' }), [['s', [['1-1']]]], 'expected an entry of a stream'],
    ['COMMAND', c.command(), [['get']], 'expected the description of a command'],
    ['GEOSEARCH', c.geosearch('g', { FROMMEMBER: 'm', BYRADIUS: [1, 'M'], WITHDIST: true }), [[]], 'expected a place'],
    ['HRANDFIELD', c.hrandfield('h', 1, { WITHVALUES: true }), [['f', 'v'], ['f']], 'expected a pair'],
    ['EVAL', c.eval(''), new Map<Frame, Frame>([[null, 1]]), 'expected a name, got null'],
    ['DUMP', c.dump('k'), 1, 'expected bytes, got a number'],
    ['ROLE', c.role(), ['queen'], 'expected a role, got an array of 1'],
    ['CLUSTER NODES', c.clusterNodes(), 'nonsense', 'expected a line of CLUSTER NODES, got a string'],
    ['LRANGE', c.lrange('l', 0, 1), [new ErrorFrame('ERR x')], 'expected a string, got the error ERR'],
  ])('%s', (_name, command, frame, message) => {
    expect(() => command.read(frame, STRINGS)).toThrow(message);
  });
});

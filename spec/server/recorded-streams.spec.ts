import { once } from 'node:events';
import { connect } from 'node:net';
import { Decoder, INCOMPLETE } from '../../src/resp/decoder';
import { Encoder } from '../../src/resp/encoder';
import { decodeChunks } from '../support/cuts';
import { useServer } from '../support/server';

/** Commands whose replies are of every kind that a server sends. */
const commands: readonly (readonly string[])[] = [
  ['SET', 'text', 'héllo\r\nwörld'],
  ['GET', 'text'],
  ['GET', 'missing'],
  ['INCR', 'n'],
  ['SET', 'large', '9223372036854775806'],
  ['INCR', 'large'],
  ['GET', 'list-of-nothing', 'too many'],
  ['LPUSH', 'text', 'wrong type'],
  ['RPUSH', 'list', 'a', '', 'c\0d'],
  ['LRANGE', 'list', '0', '-1'],
  ['LRANGE', 'list', '5', '9'],
  ['HSET', 'hash', 'f', '1', 'g', 'é'],
  ['HGETALL', 'hash'],
  ['SADD', 'set', 'a', 'b'],
  ['SMEMBERS', 'set'],
  ['ZADD', 'zset', '1.5', 'a', '-inf', 'b', 'inf', 'c'],
  ['ZRANGE', 'zset', '0', '-1', 'WITHSCORES'],
  ['ZSCORE', 'zset', 'a'],
  ['XADD', 'stream', '1-1', 'field', 'value'],
  ['XRANGE', 'stream', '-', '+'],
  ['XREAD', 'STREAMS', 'stream', '0'],
  ['BLPOP', 'nothing', '0.01'],
  ['EVAL', "return {1, 'two', {3, {ok='OK'}}, {err='ERR five'}, false}", '0'],
  ['CONFIG', 'GET', 'maxmemory*'],
  ['CLIENT', 'INFO'],
  ['COMMAND', 'INFO', 'get', 'nothing'],
  ['MULTI'],
  ['INCR', 'n'],
  ['NOSUCHCOMMAND'],
  ['DISCARD'],
  ['MULTI'],
  ['SUBSCRIBE', 'inside'],
  ['EXEC'],
  ['UNSUBSCRIBE', 'inside'],
  ['SUBSCRIBE', 'channel', 'other'],
  ['PSUBSCRIBE', 'ch*'],
  ['PING', 'the end'],
];

/** The bytes that a server answers with. */
async function recordStream(port: number, protocol: 2 | 3): Promise<Buffer> {
  const encoder = new Encoder();
  // A connection of RESP2 that has subscribed takes no other commands, and its confirmations are no pushes.
  const sent = protocol === 3 ? commands : commands.filter(([name]) => !name!.includes('SUBSCRIBE'));
  for (const [name, ...args] of [['HELLO', String(protocol)], ...sent]) {
    encoder.add(1, `$${name!.length}\r\n${name}\r\n`, args);
  }
  const socket = connect(port, '127.0.0.1');
  await once(socket, 'connect');
  for (const chunk of encoder.take()) socket.write(chunk);
  const chunks: Buffer[] = [];
  for await (const chunk of socket as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    if (Buffer.concat(chunks).toString().endsWith('$7\r\nthe end\r\n')) break;
  }
  return Buffer.concat(chunks);
}

describe.each([2, 3] as const)('A stream recorded from a server in RESP%d', (protocol) => {
  const server = useServer({ own: true }, '7.0');

  it('gives the same frames when it is cut at any single byte, and at every one', async () => {
    const stream = await recordStream(server().port, protocol);
    const whole = decodeChunks([stream]);
    expect(whole.length).toBeGreaterThan(commands.length - 6);
    const differing: number[] = [];
    const expected = JSON.stringify(whole, comparable);
    for (let at = 1; at < stream.length; at++) {
      const frames = decodeChunks([stream.subarray(0, at), stream.subarray(at)]);
      if (JSON.stringify(frames, comparable) !== expected) differing.push(at);
    }
    expect(differing).toStrictEqual([]);
    const bytes = Array.from({ length: stream.length }, (_, at) => stream.subarray(at, at + 1));
    expect(decodeChunks(bytes)).toStrictEqual(whole);
  });

  it('is incomplete when its last byte is missing', async () => {
    const stream = await recordStream(server().port, protocol);
    const decoder = new Decoder();
    decoder.push(stream.subarray(0, -1));
    let frames = 0;
    while (decoder.read() !== INCOMPLETE) frames++;
    expect(frames).toBe(decodeChunks([stream]).length - 1);
  });
});

/** Maps, bigints and infinities for JSON. */
function comparable(_: string, value: unknown): unknown {
  if (value instanceof Map) return { map: [...(value as Map<unknown, unknown>)] };
  if (typeof value === 'bigint' || (typeof value === 'number' && !Number.isFinite(value))) return String(value);
  return value;
}

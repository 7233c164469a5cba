import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect as dial, type Socket } from 'node:net';
import {
  ENTRIES,
  HASH,
  KEYS,
  LARGE_VALUE,
  LIST,
  MANY,
  MEDIUM_VALUE,
  MESSAGE,
  SCRIPT,
  SMALL_VALUE,
  SORTED_SET,
} from '../data';
import { bulk, encode } from '../wire';
import type { BenchClient, ClientModule, GroupMethod, TimedCommand } from './client';

/** A request and the length of its reply, which is always the same. */
interface Exchange {
  readonly request: string;
  readonly replyLength: number;
}

const exchanges: Readonly<Record<TimedCommand, Exchange>> = {
  get: exchange(encode('GET', KEYS.small), bulk(SMALL_VALUE)),
  set: exchange(encode('SET', KEYS.small, SMALL_VALUE), '+OK\r\n'),
  lrange: exchange(encode('LRANGE', KEYS.list, '0', '-1'), encode(...LIST)),
  hgetall: exchange(encode('HGETALL', KEYS.hash), encode(...Object.entries(HASH).flat())),
  zrange: exchange(
    encode('ZRANGE', KEYS.sortedSet, '0', '-1', 'WITHSCORES'),
    encode(...SORTED_SET.flatMap(([member, score]) => [member, String(score)])),
  ),
  xrange: exchange(
    encode('XRANGE', KEYS.entries, '-', '+'),
    `*${ENTRIES.length}\r\n${ENTRIES.map(([id, fields]) => `*2\r\n${bulk(id)}${encode(...fields)}`).join('')}`,
  ),
  mget: exchange(encode('MGET', ...MANY), encode(...MANY.map(() => SMALL_VALUE))),
  getMedium: exchange(encode('GET', KEYS.medium), bulk(MEDIUM_VALUE)),
  getLarge: exchange(encode('GET', KEYS.large), bulk(LARGE_VALUE)),
  getLargeBytes: exchange(encode('GET', KEYS.large), bulk(LARGE_VALUE)),
  script: exchange(encode('EVALSHA', sha1(SCRIPT), '1', KEYS.small), bulk(SMALL_VALUE)),
};

function sha1(script: string): string {
  return createHash('sha1').update(script).digest('hex');
}

function exchange(request: string, reply: string): Exchange {
  return { request, replyLength: Buffer.byteLength(reply) };
}

/** What no client can beat: a bare socket, bytes made beforehand, replies counted by their length and never looked at. */
export const floor: ClientModule = {
  connect: async (url) => client(await ready(url)),
  listen: (url, channel, onMessage) => {
    const socket = open(url);
    const messageLength = Buffer.byteLength(encode('message', channel, MESSAGE));
    const confirmation = `*3\r\n${bulk('subscribe')}${bulk(channel)}:1\r\n`;
    let received = -Buffer.byteLength(confirmation);
    socket.on('data', (chunk) => {
      received += chunk.length;
      for (; received >= messageLength; received -= messageLength) onMessage();
    });
    socket.write(encode('SUBSCRIBE', channel));
    return Promise.resolve();
  },
};

function open(url: string): Socket {
  const { hostname, port } = new URL(url);
  return dial({ host: hostname, port: Number(port), noDelay: true });
}

/** A socket on which the database of the URL is selected. */
async function ready(url: string): Promise<Socket> {
  const socket = open(url);
  const database = new URL(url).pathname.slice(1);
  if (database !== '') {
    socket.write(encode('SELECT', database));
    await once(socket, 'data');
  }
  return socket;
}

/** Replies are counted by their lines; of each the cursor is looked at, and how many keys follow. */
function scan(socket: Socket, page = 10): Promise<number> {
  const ask = (cursor: string): void => void socket.write(encode('SCAN', cursor, 'COUNT', String(page)));
  return new Promise((resolve, reject) => {
    let seen = 0;
    let cursor = '';
    let lines = 0;
    const onData = (chunk: Buffer): void => {
      if (lines === 0) {
        const [, next, keys] = HEAD.exec(chunk.toString('latin1', 0, HEAD_LENGTH)) ?? [];
        cursor = next ?? '';
        seen += Number(keys);
        lines = HEAD_LINES + 2 * Number(keys);
      }
      for (const byte of chunk) if (byte === NEWLINE) lines--;
      if (lines > 0) return;
      if (cursor !== '0') ask(cursor);
      else {
        socket.off('data', onData);
        resolve(seen);
      }
    };
    socket.on('data', onData).once('error', reject);
    ask('0');
  });
}

/** How a page begins. */
const HEAD = /^\*2\r\n\$\d+\r\n(\d+)\r\n\*(\d+)\r\n/;
const HEAD_LENGTH = 64;
const HEAD_LINES = 4;
const NEWLINE = 0x0a;

function client(socket: Socket): BenchClient {
  return {
    run: (command, inFlight, total) => repeat(socket, exchanges[command], inFlight, total),
    scan: (page) => scan(socket, page),
    runGroups: (method, size, inFlight, total) => repeat(socket, group(method, size), inFlight, total),
  };
}

/** GETs one behind the other, for a transaction between MULTI and EXEC. */
function group(method: GroupMethod, size: number): Exchange {
  const { get } = exchanges;
  const request = get.request.repeat(size);
  const replyLength = get.replyLength * size;
  if (method === 'pipeline') return { request, replyLength };
  const queued = `+OK\r\n${'+QUEUED\r\n'.repeat(size)}*${size}\r\n`;
  return { request: encode('MULTI') + request + encode('EXEC'), replyLength: queued.length + replyLength };
}

function repeat(socket: Socket, { request, replyLength }: Exchange, inFlight: number, total: number): Promise<void> {
  const requests = Buffer.from(request.repeat(Math.min(inFlight, total)));
  const send = (count: number): void => void socket.write(requests.subarray(0, count * Buffer.byteLength(request)));
  return new Promise((resolve, reject) => {
    let unsent = total;
    let unanswered = total;
    let received = 0;
    const sendUpTo = (count: number): void => {
      const now = Math.min(count, unsent);
      unsent -= now;
      if (now > 0) send(now);
    };
    const leave = (): void => {
      socket.off('data', onData).off('error', fail).off('close', closed);
    };
    const fail = (error: Error): void => {
      leave();
      reject(error);
    };
    const closed = (): void =>
      fail(new Error(`The server has closed the connection, ${unanswered} replies are missing`));
    const onData = (chunk: Buffer): void => {
      received += chunk.length;
      const answered = Math.floor(received / replyLength);
      received -= answered * replyLength;
      unanswered -= answered;
      sendUpTo(answered);
      if (unanswered > 0) return;
      leave();
      resolve();
    };
    socket.on('data', onData).on('error', fail).on('close', closed);
    sendUpTo(inFlight);
  });
}

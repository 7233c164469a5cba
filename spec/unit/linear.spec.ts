import { EventEmitter } from 'node:events';
import { NEVER, Subscriber } from 'rxjs';
import type { RedisView } from 'rxjs-redis';
import * as c from 'rxjs-redis/commands';
import { Request } from '../../src/commands/request';
import { plainContext } from '../../src/commands/request-context';
import { MessageEvents } from '../../src/ioredis/messages';
import { ForeignCommands } from '../../src/topology/foreign-commands';
import { readClusterReplicas } from '../../src/commands/replies/cluster';
import { kindOf } from '../../src/resp/kind-of';
import { parseUrl } from '../../src/options/url';
import { resolveOptions } from '../../src/options';
import { withReplyErrors } from '../../src/commands/reply-error';
import { ErrorFrame, type Frame } from '../../src/resp/frames';
import { Subscriptions } from '../../src/pubsub/subscriptions';
import { expectLinear } from '../support/growth';

const STRINGS = { bytes: false, prefix: '' };
/** Whatever is thrown: a refusal is to come as quickly as a value. */
const tried = (work: () => unknown) => () => {
  try {
    work();
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
};

const read = (command: c.Command, frame: Frame) => tried(() => command.read(frame, STRINGS));

/** Finds the keys of a call as a node of a cluster tells of them. */
function foreignCall(size: number): () => void {
  const keys = Array.from({ length: size / 10 }, (_, n) => `key:${n}`);
  const observer = {
    closed: false,
    next: () => undefined,
    error: () => undefined,
    complete: () => undefined,
    add: () => undefined,
  };
  const request = (command: c.Command) => new Request<unknown>(command, plainContext, observer);
  const told: Record<string, Frame> = {
    'COMMAND INFO': [['union', -3, ['movablekeys'], 0, 0, 0]],
    'COMMAND GETKEYS': keys,
  };
  let found = 0;
  const foreign = new ForeignCommands({
    submit: ({ command }) => (found = command.keys.length),
    submitAnywhere: (asked) => asked.settle(told[asked.command.spec.name]!),
  });
  return () => {
    foreign.submit(request(c.call('UNION', keys)));
    expect(found).toBe(keys.length);
  };
}

function joinAndLeave(count: number): void {
  const events = new MessageEvents(new EventEmitter(), Infinity);
  const client = { bytes: { subscribe: () => NEVER } } as unknown as RedisView;
  for (let n = 0; n < count; n++) void events.join(client, 'channel', [`c${n}`]);
  for (let n = 0; n < count; n++) expect(events.leave('channel', [`c${n}`])).toBe(count - n - 1);
}

describe('The time it takes grows as the input does, for', () => {
  it.each<[string, (size: number) => () => unknown]>([
    ['a double that is none', (size) => read(c.zscore('z', 'm'), `${'1'.repeat(size)}x`)],
    ['a double without end', (size) => read(c.zscore('z', 'm'), '1'.repeat(size))],
    ['a double with dots', (size) => read(c.zscore('z', 'm'), `1${'.1'.repeat(size)}`)],
    ['an integer as text', (size) => read(c.time(), ['1'.repeat(size), `${'1'.repeat(size)}x`])],
    ['figures', (size) => read(c.memoryStats(), ['a', `${'1'.repeat(size)}e`])],
    ['the address of a node', (size) => read(c.clusterNodes(), `id ${':1'.repeat(size)}x master - 0 0 1 connected`)],
    ['the port of a node', (size) => read(c.clusterNodes(), `id h:${'1'.repeat(size)}x master - 0 0 1 connected`)],
    ['colons of a node', (size) => read(c.clusterNodes(), `id ${':'.repeat(size)} master - 0 0 1 connected`)],
    [
      'slots of a node',
      (size) => read(c.clusterNodes(), `id h:1@2 m - 0 0 1 c ${'[1->-2 '.repeat(size / 10)}[${'1'.repeat(size)}`),
    ],
    [
      'lines of nodes',
      (size) => () => readClusterReplicas(Array<string>(size / 100).fill('id h:1 m - 0 0 1 c'), STRINGS),
    ],
    ['clients', (size) => read(c.clientList(), `id=${'1'.repeat(size)}x a${'='.repeat(size)}\r\n${'\r'.repeat(size)}`)],
    ['properties', (size) => read(c.info(), `# ${' '.repeat(size)}S\r\n${'\r\r\n'.repeat(size)}${':'.repeat(size)}`)],
    ['a name of a command', (size) => tried(() => c.call(`GET${' '.repeat(size)}X${' '.repeat(size)}é`))],
    ['words of a command', (size) => tried(() => c.call('GET  '.repeat(size / 10)))],
    ['a prefix', (size) => () => c.keys('*[?'.repeat(size))],
    ['a URL', (size) => tried(() => parseUrl(`redis://${':'.repeat(size)}`))],
    [
      'the user of a URL',
      (size) => tried(() => parseUrl(`redis://a${':'.repeat(size / 10)}@${'@'.repeat(size / 10)}`)),
    ],
    ['a Unix socket in a URL', (size) => tried(() => parseUrl(`redis+unix://${'@'.repeat(size / 10)}/a`))],
    ['a scheme', (size) => tried(() => parseUrl('a'.repeat(size)))],
    ['brackets of a host', (size) => tried(() => parseUrl(`redis://${']'.repeat(size)}`))],
    ['a name of the client', (size) => tried(() => resolveOptions({ clientName: `${'a'.repeat(size)} ` }))],
    ['a kind of value', (size) => () => kindOf(new ErrorFrame('X'.repeat(size)))],
    [
      'the end of a channel with many Observers',
      (size) => () => {
        const channels = new Subscriptions('channel', () => 0);
        const topic = channels.topic('a');
        for (let n = 0; n < size / 10; n++) topic.strings.subscribe(new Subscriber<unknown>());
        channels.end();
      },
    ],
    ['the keys of a command that only a server knows', (size) => foreignCall(size)],
    ['subscriptions in the shape of ioredis', (size) => () => joinAndLeave(size / 10)],
    [
      'errors inside a reply',
      (size) => () => withReplyErrors(Array.from({ length: size / 10 }, () => [new ErrorFrame('ERR')])),
    ],
  ])('%s', (_, prepare) => {
    expectLinear(prepare, 2_500);
  });
});

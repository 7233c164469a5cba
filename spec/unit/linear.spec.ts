import { Subscriber } from 'rxjs';
import * as c from 'rxjs-redis/commands';
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
    [
      'errors inside a reply',
      (size) => () => withReplyErrors(Array.from({ length: size / 10 }, () => [new ErrorFrame('ERR')])),
    ],
  ])('%s', (_, prepare) => {
    expectLinear(prepare, 2_500);
  });
});

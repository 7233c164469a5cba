import { useServer } from '../support/server';
import { RawClient } from '../infra/raw-client';
import type { Peer } from './peer';
import type { StreamVersion } from './plan';
import type { StreamWatcher } from './stream-commands';
import { StreamDesk } from './stream-desk';
import { wireOf } from './wire';

const END = '$3\r\nend\r\n';

/** Commands in a row, and what each shows. */
const STEPS: readonly (readonly [command: string, shows: string])[] = [
  ['XADD s 1-1 n 0', 'the id of an entry'],
  ['XADD s 2-1 n 1', 'the id of another one'],
  ['XADD s 2-2 n 2', 'that one millisecond may have several'],
  ['XINFO STREAM none', 'that there is no such stream'],
  ['XINFO GROUPS none', 'that it has no groups'],
  ['XREAD COUNT 2 STREAMS s 0-0', 'the first entries'],
  ['XREAD COUNT 2 STREAMS s none 1-1 0-0', 'only streams that have any'],
  ['XREAD COUNT 1 STREAMS s 2-2', 'nothing'],
  ['XREAD COUNT 1 BLOCK 1 STREAMS s 2-2', 'nothing, after a while'],
  ['XREADGROUP GROUP g a COUNT 1 BLOCK 1 STREAMS s >', 'that there is no group to read in'],
  ['XPENDING s g - + 10', 'that there is no group'],
  ['XCLAIM s g a 0 1-1', 'that there is none to claim in'],
  ['XACK s g 1-1', 'that nothing is acknowledged where there is none'],
  ['XGROUP CREATE s g 0-0 MKSTREAM', 'a group'],
  ['XGROUP CREATE s g 0-0 MKSTREAM', 'that it is there'],
  ['XREADGROUP GROUP g a COUNT 2 BLOCK 1 STREAMS s >', 'new entries'],
  ['XREADGROUP GROUP g b COUNT 9 BLOCK 1 STREAMS s >', 'the rest'],
  ['XREADGROUP GROUP g b COUNT 9 BLOCK 1 STREAMS s >', 'nothing new, after a while'],
  ['XINFO GROUPS s', 'how far a group is'],
  ['XCLAIM s g b 0 1-1', 'what another had'],
  ['XCLAIM s g b 0 1-1 JUSTID', 'its id alone'],
  ['XCLAIM s g b 100000 2-1', 'nothing that is not idle'],
  ['XPENDING s g 2-1 + 1', 'what is pending'],
  ['XPENDING s g - + 10 b', 'what is pending for one'],
  ['XDEL s 2-1', 'how many are deleted'],
  ['XCLAIM s g b 0 2-1', 'how a deleted one is claimed'],
  ['XACK s g 1-1 9-9', 'how many were pending'],
  ['XRANGE s 2-2 2-2', 'an entry'],
  ['XRANGE s 2-1 2-1', 'none'],
];

/** A desk, and what it answers when all waits are over. */
function deskOf(version: StreamVersion, protocol: 2 | 3): (words: readonly string[]) => string {
  let text = '';
  const answer = (reply: string) => (text = reply);
  const peer = { protocol, answer, transaction: undefined, blocked: undefined } as unknown as Peer;
  const waits: (() => void)[] = [];
  const desk = new StreamDesk(version, {
    refusal: () => undefined,
    now: () => 0,
    after: (_, work) => {
      waits.push(work);
      return { unsubscribe: () => undefined };
    },
    goOn: () => undefined,
    hangUp: () => undefined,
    fail: (violation) => {
      throw new Error(violation);
    },
    tell: new Proxy({} as StreamWatcher, { get: () => () => undefined }),
  });
  return (words) => {
    desk.take(peer, wireOf({ words, id: undefined, sent: undefined, writes: false, writtenAt: 0 }));
    for (const work of waits.splice(0)) work();
    return text;
  };
}

/** How long entries were pending is not the same from one time to the next. */
const withoutIdle = (reply: string) => reply.replace(/(\$\d\r\n[ab]\r\n):\d+/g, '$1:0');

describe.each([2, 3] as const)('The simulated server, in RESP%d,', (protocol) => {
  const server = useServer();
  let ask: (words: readonly string[]) => Promise<string>;
  let simulated: (words: readonly string[]) => string;
  let client: RawClient;
  beforeAll(async () => {
    const { host, port } = server();
    client = await RawClient.connect({ host, port });
    ask = async (words) => {
      client.chunks.length = 0;
      client.send([...words], ['ECHO', 'end']);
      return (await client.until((received) => received.endsWith(END))).slice(0, -END.length);
    };
    await ask(['HELLO', String(protocol)]);
    await ask(['DEL', 's', 'none']);
    const [, major] = /redis_version:(\d+)/.exec(await ask(['INFO', 'server']))!;
    simulated = deskOf(Number(major) < 7 ? 6 : 7, protocol);
  });
  afterAll(() => client.socket.destroy());

  it.each(STEPS)('answers %s as a real one does: %s', async (command) => {
    const words = command.split(' ');
    expect(withoutIdle(simulated(words))).toBe(withoutIdle(await ask(words)));
  });

  it('answers XINFO STREAM as a real one does, as far as it knows of it', async () => {
    const words = ['XINFO', 'STREAM', 's'];
    const real = await ask(words);
    const fields = simulated(words)
      .split(/(?=\$\d+\r\n[a-z]+-?[a-z-]*\r\n)/)
      .slice(1)
      .filter((field) => !field.includes('\r\nn\r\n'));
    expect(fields.length).toBeGreaterThan(3);
    for (const field of fields) expect(real).toContain(field);
  });
});

import * as c from 'rxjs-redis/commands';
import { footprint } from '../../../infra/soak/footprint';
import { toNestedError, toReplyError } from '../../../src/commands/reply-error';
import { ErrorFrame } from '../../../src/resp/frames';

const STRINGS = { bytes: false, prefix: '' };
const LONG = 1_000_000;
const TIMES = 20;
const KIND = 'A_KIND_OF_MORE_THAN_12_LETTERS';

/** A text as the decoder makes it: in one piece. */
const asRead = (...parts: string[]): string => Buffer.from(parts.join('')).toString();

/** A text of many lines, with one of interest among them. */
const among = (line: string, others: string): string =>
  asRead(line, '\n', `${others}\n`.repeat(LONG / (others.length + 1)));

const CLIENT = 'id=1 addr=127.0.0.1:50000 laddr=127.0.0.1:6379 name=the-name-of-it';
const NODE = `${'a'.repeat(40)} 127.0.0.1:30004@31004 master - 0 1426238317239 4 connected 0-100`;

// V8 makes a piece of 13 characters or more a reference to the whole text.
describe('Of a long text is kept in memory', () => {
  it.each<[string, () => unknown, unknown]>([
    [
      'the kind of an error',
      () => toReplyError(new ErrorFrame(asRead(KIND, ' ', 'x'.repeat(LONG))), c.get('k')).kind,
      KIND,
    ],
    [
      'the kind of an error inside a reply',
      () => toNestedError(new ErrorFrame(asRead(KIND, ' ', 'x'.repeat(LONG)))).kind,
      KIND,
    ],
    [
      'the beginning of the message of an error',
      () => toNestedError(new ErrorFrame(asRead('ERR ', 'x'.repeat(LONG)))).message,
      expect.stringMatching(/^ERR x+…$/),
    ],
    ['one of many clients', () => c.clientList().read(among(CLIENT, CLIENT), STRINGS)[0]!.addr, '127.0.0.1:50000'],
    [
      'one of many properties',
      () => c.clusterInfo().read(among('cluster_state:in_a_long_word', 'other:property'), STRINGS).cluster_state,
      'in_a_long_word',
    ],
    [
      'one of many properties of a section',
      () => c.info().read(among('# Server\nrun_id:in_a_long_word', 'other:property'), STRINGS).server!.run_id,
      'in_a_long_word',
    ],
    ['one of many nodes', () => c.clusterNodes().read(among(NODE, NODE), STRINGS)[0]!.id, 'a'.repeat(40)],
  ])('no more than what is asked for: %s', async (_, pieceOf, piece) => {
    pieceOf();
    const before = await footprint();
    const kept = Array.from({ length: TIMES }, pieceOf);
    const after = await footprint();
    expect(kept).toStrictEqual(Array<unknown>(TIMES).fill(piece));
    // One whole text is 1 MB.
    expect(after.memory - before.memory).toBeLessThan(LONG);
  });
});

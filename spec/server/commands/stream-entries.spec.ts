import type { Entry, GroupEntry } from 'rxjs-redis/commands';
import { useServer } from '../../support/server';
import { RawSession } from './raw-session';
import { useSession } from './use-session';

const server = useServer();
const FIELDS: [string, string][] = [
  ['b', '1'],
  ['10', '2'],
  ['2', '3'],
  ['b', '4'],
  ['__proto__', '5'],
];

describe.each([2, 3] as const)('an entry of a stream in RESP%d', (protocol) => {
  const session = useSession(server, protocol);
  beforeEach(async () => {
    const { redis } = session();
    await redis.xadd('s', '1-1', FIELDS);
    await redis.xgroupCreate('s', 'g', '0');
  });

  function expectAll(entry: Entry | GroupEntry | null | undefined): void {
    expect(entry?.pairs).toEqual(FIELDS);
    expect(Object.entries(entry?.fields ?? {})).toEqual([
      ['2', '3'],
      ['10', '2'],
      ['b', '4'],
      ['__proto__', '5'],
    ]);
  }

  it('has all its fields in their order: XRANGE, XREVRANGE, XREAD, XREADGROUP', async () => {
    const { redis } = session();
    expectAll((await redis.xrange('s', '-', '+'))[0]);
    expectAll((await redis.xrevrange('s', '+', '-'))[0]);
    expectAll((await redis.xread({ s: '0' }))?.s?.[0]);
    expectAll((await redis.xreadgroup('g', 'c', { s: '>' }))?.s?.[0]);
  });

  it('has all its fields in their order: XCLAIM, XAUTOCLAIM', async () => {
    const { redis, code } = session();
    await redis.xreadgroup('g', 'c', { s: '>' });
    expectAll((await redis.xclaim('s', 'g', 'd', 0, '1-1'))[0]);
    if (code === 'r6.0') return;
    expectAll((await redis.xautoclaim('s', 'g', 'e', 0, '0'))[1][0]);
  });

  it('has all its fields in their order: XINFO STREAM', async () => {
    const { redis } = session();
    const { 'first-entry': first, 'last-entry': last } = await redis.xinfoStream('s');
    expectAll(first);
    expectAll(last);
    expectAll((await redis.xinfoStream('s', { FULL: true })).entries[0]);
  });

  it('has neither fields nor pairs when a group hands it out after it was deleted', async () => {
    const { redis } = session();
    await redis.xreadgroup('g', 'c', { s: '>' });
    await redis.xdel('s', '1-1');
    const [entry] = (await redis.xreadgroup('g', 'c', { s: '0' }))?.s ?? [];
    expect([entry?.id, entry?.fields, entry?.pairs]).toEqual(['1-1', null, null]);
  });

  it('has its fields as bytes where bytes are asked for', async () => {
    const bytes = await RawSession.open<Buffer>(server(), { protocol, bytes: true });
    const [entry] = await bytes.xrange('s', '-', '+');
    bytes.close();
    const wanted = FIELDS.map((pair) => pair.map((part) => Buffer.from(part)));
    expect(entry?.pairs).toEqual(wanted);
    expect([...(entry?.fields ?? [])]).toEqual(wanted);
  });

  it('shows its id and fields alone in logs and JSON', async () => {
    const { redis } = session();
    const [entry] = await redis.xrange('s', '-', '+');
    expect(JSON.parse(JSON.stringify(entry))).toEqual(
      JSON.parse('{"id":"1-1","fields":{"b":"4","10":"2","2":"3","__proto__":"5"}}'),
    );
  });
});

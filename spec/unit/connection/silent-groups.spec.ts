import type { Command } from '../../../src/commands/command';
import { get } from '../../../src/commands/generated/builders';
import { Group } from '../../../src/commands/group';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import { Transaction } from '../../../src/commands/transaction';
import { record } from '../../support/clients';
import { scriptedConnection, tick } from '../../support/scripted-link';
import { VirtualClock } from '../../support/virtual-clock';

const cleanUp: (() => void)[] = [];
afterEach(() => cleanUp.splice(0).forEach((end) => end()));

/** A link that has a second to answer, and three GETs in a group. */
async function setUp(pipelineDepth = 10, make = (members: readonly Command[]) => new Group(members)) {
  const clock = new VirtualClock();
  const options = { readTimeout: 1_000, writeTimeout: 5_000, pipelineDepth };
  const { connection, greeted } = scriptedConnection(options, clock);
  cleanUp.push(() => connection.destroy());
  connection.open();
  const link = await greeted();
  const group = make(['a', 'b', 'c'].map((key) => get(key)));
  const reply = record(Reply.from({ ...plainContext, executor: connection }, group));
  return { clock, link, reply };
}

describe('A group', () => {
  it('keeps its link alive with each member that is answered', async () => {
    const { clock, link, reply } = await setUp();
    await tick();
    for (const answer of ['+A\r\n', '+B\r\n', '+C\r\n']) {
      clock.advance(900);
      link.receive(answer);
    }
    expect(reply).toMatchObject({ values: [['A', 'B', 'C']], ended: 'complete' });
  });

  it('keeps its link alive with each part of a long reply, also behind what the server pushes inside it', async () => {
    const { clock, link, reply } = await setUp(10, (members) => new Transaction(members));
    await tick();
    link.receive(`+OK\r\n${'+QUEUED\r\n'.repeat(3)}*3\r\n$1\r\nA\r\n>2\r\n+invalidate\r\n*1\r\n+a\r\n`);
    for (const part of ['$6\r\n012', '345\r\n', '$1\r\nC\r\n']) {
      clock.advance(900);
      expect(link.destroyed).toBe(false);
      link.receive(part);
    }
    expect(reply).toMatchObject({ values: [['A', '012345', 'C']], ended: 'complete' });
  });

  it('has its link given up when pushes alone come between its replies', async () => {
    const { clock, link } = await setUp();
    await tick();
    link.receive('+A\r\n');
    clock.advance(900);
    link.receive('>2\r\n+invalidate\r\n*1\r\n+a\r\n');
    clock.advance(100);
    expect(link.destroyed).toBe(true);
  });

  it('has its link given up when no further member is answered for so long', async () => {
    const { clock, link, reply } = await setUp();
    await tick();
    clock.advance(900);
    link.receive('+A\r\n');
    clock.advance(999);
    expect(link.destroyed).toBe(false);
    clock.advance(1);
    expect(link.destroyed).toBe(true);
    expect(reply.ended).toMatchObject({ code: 'CONNECTION', group: { results: ['A'] } });
  });

  it('is not waited for where the rest of it is in the send buffer and all before is answered', async () => {
    const { clock, link } = await setUp(2);
    const write = link.write.bind(link);
    link.write = (chunks) => write(chunks) && link.writes.length < writesBefore + 2;
    const writesBefore = link.writes.length;
    await tick();
    link.receive('+A\r\n+B\r\n');
    clock.advance(1_500);
    expect(link.destroyed).toBe(false);
    link.drain$.next();
    clock.advance(999);
    expect(link.destroyed).toBe(false);
    clock.advance(1);
    expect(link.destroyed).toBe(true);
  });

  it('tells how far its members had come where what follows is no RESP', async () => {
    const { link, reply } = await setUp();
    await tick();
    link.receive('+A\r\n:nonsense\r\n');
    expect(reply.ended).toMatchObject({
      code: 'PROTOCOL',
      delivery: 'unknown',
      group: { results: ['A'], deliveries: ['answered', 'unknown', 'unknown'] },
    });
  });
});

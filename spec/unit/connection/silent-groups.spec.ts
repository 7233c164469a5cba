import { get } from '../../../src/commands/generated/builders';
import { Group } from '../../../src/commands/group';
import { Reply } from '../../../src/commands/reply';
import { plainContext } from '../../../src/commands/request-context';
import { record } from '../../support/clients';
import { scriptedConnection, tick } from '../../support/scripted-link';
import { VirtualClock } from '../../support/virtual-clock';

const cleanUp: (() => void)[] = [];
afterEach(() => cleanUp.splice(0).forEach((end) => end()));

/** A link that has a second to answer, and three GETs in a group. */
async function setUp(pipelineDepth = 10) {
  const clock = new VirtualClock();
  const options = { readTimeout: 1_000, writeTimeout: 5_000, pipelineDepth };
  const { connection, greeted } = scriptedConnection(options, clock);
  cleanUp.push(() => connection.destroy());
  connection.open();
  const link = await greeted();
  const group = new Group(['a', 'b', 'c'].map((key) => get(key)));
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

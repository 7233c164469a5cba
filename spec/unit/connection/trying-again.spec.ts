import { blpop, get, incr, select, set } from 'rxjs-redis/commands';
import type { RedisOptions } from 'rxjs-redis';
import { ConnectionError, type RedisError } from '../../../src/errors';
import { commandsOf, greet, retryingConnection, tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';

const BUSY = '-BUSY Redis is busy running a script.\r\n';
const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';

function setUp(given?: RedisOptions) {
  const made = retryingConnection(given);
  const { connection, links } = made;
  return {
    ...made,
    /** Waits for the greeting on the latest link and answers it. */
    greeted: async () => {
      connection.open();
      await tick();
      return greet(links.at(-1)!);
    },
    /** What was sent behind the greeting. */
    sentOn: (link: ScriptedSocket) => commandsOf(link).slice(3),
  };
}

describe('What is tried again', () => {
  it('goes out when its delay is over, also while a command that blocks stands behind it', async () => {
    const { greeted, send, sentOn, pass } = setUp();
    const link = await greeted();
    send(get('a'));
    const other = send(get('b'));
    send(blpop(['q'], 0));
    await tick();
    link.receive(BUSY);
    await pass(60);
    link.receive('$1\r\n1\r\n');
    await tick();
    expect(other.values).toStrictEqual(['1']);
    expect(sentOn(link)).toStrictEqual(['GET a', 'GET b', 'BLPOP q 0', 'GET a']);
  });

  it('waits for the delay of each that is refused, also of one whose refusal comes later', async () => {
    const { greeted, send, sentOn, pass } = setUp();
    const link = await greeted();
    send(get('a'));
    send(get('b'));
    await tick();
    link.receive(BUSY);
    await pass(60);
    link.receive(BUSY);
    await pass(49);
    expect(sentOn(link)).toStrictEqual(['GET a', 'GET b']);
    await pass(1);
    expect(sentOn(link)).toStrictEqual(['GET a', 'GET b', 'GET a', 'GET b']);
  });

  it('goes out also when one is refused in the very moment in which the time of the other is over', async () => {
    const { greeted, send, sentOn, pass } = setUp({ retry: (attempt) => attempt < 3 && 0 });
    const link = await greeted();
    send(get('a'));
    send(get('b'));
    await tick();
    link.receive(BUSY);
    await pass(0);
    link.receive(BUSY);
    await pass(1);
    expect(sentOn(link)).toStrictEqual(['GET a', 'GET b', 'GET a', 'GET b']);
  });

  it('stays in the order of the calls, also where the socket is full in the middle of it', async () => {
    const { greeted, send, sentOn, pass } = setUp({ pipelineDepth: 1, retry: (attempt) => attempt < 3 && 10 });
    const link = await greeted();
    for (const key of ['a', 'b', 'c']) send(get(key));
    await tick();
    link.receive(BUSY + BUSY);
    link.accepts = false; // one more is taken, then none
    await pass(10);
    link.receive(BUSY);
    await pass(10);
    expect(sentOn(link)).toStrictEqual(['GET a', 'GET b', 'GET c', 'GET a']);
    link.receive('_\r\n');
    link.accepts = true;
    link.drain$.next();
    await pass(20);
    expect(sentOn(link).slice(4)).toStrictEqual(['GET b', 'GET c']);
  });

  it('is passed by others where one slot alone is not served', async () => {
    const { greeted, send, sentOn } = setUp();
    const link = await greeted();
    send(get('a'));
    await tick();
    link.receive('-CLUSTERDOWN Hash slot not served\r\n');
    send(get('b'));
    await tick();
    expect(sentOn(link)).toStrictEqual(['GET a', 'GET b']);
  });

  it('is passed by nobody where the whole cluster is down', async () => {
    const { greeted, send, sentOn } = setUp();
    const link = await greeted();
    send(get('a'));
    await tick();
    link.receive('-CLUSTERDOWN The cluster is down\r\n');
    send(get('b'));
    await tick();
    expect(sentOn(link)).toStrictEqual(['GET a']);
  });

  it('is called repeatable only while nothing of it may have run, now or the time before', async () => {
    const { greeted, send, sentOn, pass } = setUp({ retry: (attempt) => attempt < 2 && 0 });
    const first = await greeted();
    const counted = send(incr('n'));
    await tick();
    first.bytes$.error(new ConnectionError('gone'));
    await pass(50);
    const second = await greeted();
    second.receive(LOADING);
    expect(sentOn(second)).toStrictEqual(['INCR n']);
    expect(counted.ended).toMatchObject({ kind: 'LOADING', delivery: 'unknown', repeatable: false });
  });

  const patient = (attempt: number, error: RedisError) => error.repeatable && attempt < 5 && 50;

  it('fails when another database was selected meanwhile: it was lost and waited', async () => {
    const { greeted, send, sentOn, pass } = setUp({ retry: patient });
    const first = await greeted();
    const read = send(get('k'));
    await tick();
    first.bytes$.error(new ConnectionError('gone'));
    await pass(20);
    const second = await greeted();
    send(select(1));
    await tick();
    second.receive('+OK\r\n');
    expect(read.ended).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', repeatable: false });
    await pass(100);
    expect(sentOn(second)).toStrictEqual(['SELECT 1']);
  });

  it('fails when another database is being selected: it would be read there', async () => {
    const { greeted, send, sentOn, pass } = setUp({ retry: patient });
    const link = await greeted();
    const read = send(get('k'));
    await tick();
    link.receive('-TRYAGAIN Multiple keys request during rehashing of slot\r\n');
    send(select(1));
    await tick();
    await pass(50);
    expect(read.ended).toMatchObject({ kind: 'TRYAGAIN', repeatable: false });
    expect(sentOn(link)).toStrictEqual(['GET k', 'SELECT 1']);
  });

  it('keeps its database: what was called before SELECT, that, and what was called behind it, all refused together', async () => {
    const { greeted, send, sentOn, pass } = setUp({ pipelineDepth: 1 });
    const link = await greeted();
    const replies = [send(get('a')), send(select(1)), send(get('b'))];
    await tick();
    link.receive(BUSY.repeat(3));
    link.accepts = false; // they go out one by one
    await pass(60);
    link.receive('_\r\n');
    link.accepts = true;
    link.drain$.next();
    link.receive('+OK\r\n_\r\n');
    await tick();
    expect(sentOn(link)).toStrictEqual(['GET a', 'SELECT 1', 'GET b', 'GET a', 'SELECT 1', 'GET b']);
    expect(replies.map(({ ended }) => ended)).toStrictEqual(['complete', 'complete', 'complete']);
  });

  it('is not sent once a later write has overtaken it, whatever an observer does that is told the same of another', async () => {
    const { greeted, send, replyTo, sentOn, pass } = setUp({ autoPipeline: false });
    const link = await greeted();
    replyTo(set('k', '1')).subscribe({ error: () => send(get('next')) });
    const second = send(set('k', '2'));
    const third = send(set('k', '3'));
    link.receive('-TRYAGAIN a\r\n-TRYAGAIN b\r\n');
    await pass(60); // they wait for the reply to the third
    link.receive('+OK\r\n');
    await tick();
    expect(third.values).toStrictEqual(['OK']);
    expect(second.ended).toMatchObject({ kind: 'TRYAGAIN' });
    expect(sentOn(link)).toStrictEqual(['SET k 1', 'SET k 2', 'SET k 3', 'GET next']);
  });

  it('is nothing when the client ends: no policy is asked', async () => {
    const retry = jest.fn(() => 0);
    const { connection, greeted, send } = setUp({ retry });
    await greeted();
    const replies = [send(get('a')), send(incr('n'))];
    await tick();
    connection.destroy();
    expect(retry).not.toHaveBeenCalled();
    for (const { ended } of replies) expect(ended).toMatchObject({ code: 'DISCONNECTED', delivery: 'unknown' });
  });
});

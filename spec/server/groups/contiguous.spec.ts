import { get, incr, lpush, set } from '../../../src/commands/generated/builders';
import { Group } from '../../../src/commands/group';
import { Reply } from '../../../src/commands/reply';
import type { Command } from '../../../src/commands/command';
import { plainContext } from '../../../src/commands/request-context';
import { Connection } from '../../../src/connection/connection';
import { resolveOptions } from '../../../src/options';
import { failure } from '../../support/outcomes';
import { useProxy, useServer } from '../../support/server';
import { until } from '../../support/until';

const COUNT = 100_000;

describe('A group', () => {
  const server = useServer();
  const proxy = useProxy(server);
  const connections: Connection[] = [];
  afterEach(() => connections.splice(0).forEach((connection) => connection.destroy()));

  function connect(port: number) {
    const connection = new Connection(resolveOptions({ port, host: '127.0.0.1' }));
    connections.push(connection);
    const from = { ...plainContext, executor: connection };
    return {
      connection,
      one: <T>(command: Command<T>) => Reply.from(from, command),
      group: (members: readonly Command[], commandTimeout = Infinity) =>
        Reply.from({ ...from, commandTimeout }, new Group(members)),
    };
  }

  it('of 100 000 commands lets the event loop breathe, and others of the same connection be answered', async () => {
    const { one, group } = connect(server().port);
    await one(set('n', 0));
    let turns = 0;
    let done = false;
    let others = 0;
    const count = () => {
      if (done) return;
      turns++;
      setImmediate(count);
    };
    const members = Array.from({ length: COUNT }, () => incr('n'));
    setImmediate(count);
    void one(get('n')).then(() => others++);
    const whole = group(members).then((values) => values as number[]);
    void whole.then(() => {
      done = true;
    });
    const behind = one(incr('n'));
    await until(() => others === 1);
    expect(done).toBe(false); // the reply before the group is not held back
    const values = await whole;
    expect(values).toStrictEqual(members.map((_, n) => n + 1)); // nothing of this connection came in between
    expect(await behind).toBe(COUNT + 1);
    // A turn writes at most 5 000 commands before input is read, and as many behind it.
    expect(turns).toBeGreaterThanOrEqual(COUNT / 10_000);
  });

  it('has the errors of its members in their places', async () => {
    const { one, group } = connect(server().port);
    await one(set('text', 'a'));
    const values = await group([get('text'), lpush('text', 'b'), incr('counter')]);
    expect(values).toMatchObject(['a', { kind: 'WRONGTYPE', command: 'LPUSH' }, 1]);
  });

  it('that is lost in its middle says of each member whether it was answered, and what was answered did run', async () => {
    const { connection, one, group } = connect(proxy().port);
    await one(set('lost', 0));
    const failed = failure(group(Array.from({ length: COUNT }, () => incr('lost'))));
    await until(() => (connection.line.link?.outgoing.pending ?? 0) === 0 && connection.line.pending > 0);
    await new Promise((resolve) => setImmediate(resolve));
    proxy().cut();
    const { group: fate, delivery } = await failed;
    expect(delivery).toBe('unknown');
    const { results, deliveries } = fate!;
    expect(deliveries).toHaveLength(COUNT);
    const answered = deliveries.filter((delivery) => delivery === 'answered').length;
    expect(results).toStrictEqual(Array.from({ length: answered }, (_, n) => n + 1));
    // First the answered ones, then those that may have run, then those that were not sent.
    const order = ['answered', 'unknown', 'unsent'];
    expect(deliveries.map((each) => order.indexOf(each))).toStrictEqual(
      deliveries.map((each) => order.indexOf(each)).sort(),
    );
    const sent = deliveries.filter((each) => each !== 'unsent').length;
    const ran = Number(await connect(server().port).one(get('lost')));
    expect(ran).toBeGreaterThanOrEqual(answered);
    expect(ran).toBeLessThanOrEqual(sent);
  });
});

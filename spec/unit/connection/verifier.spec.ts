import { knownCall } from '../../../src/commands/known-commands';
import { Request } from '../../../src/commands/request';
import { plainContext, type Executor } from '../../../src/commands/request-context';
import { wrapping } from '../../../src/connection/wrapping';
import { resolveOptions } from '../../../src/options';
import { unobserved } from '../../support/observers';

/** An executor of a connection, and another that leads to the same, wrapped; and the names of what they carry. */
function setUp(verify: number) {
  const carried: string[] = [];
  const carry = (via: string): Executor => ({
    submit: ({ command: { spec } }) => void carried.push(spec.name === 'ECHO' ? 'ECHO' : `${via}${spec.name}`),
  });
  const connection = carry('');
  const wrap = wrapping(connection, resolveOptions({ verify }));
  const [direct, publishing] = [wrap(connection), wrap(carry('publishing: '))];
  const submitTo = (executor: Executor) => (line: string) => {
    const [name, ...args] = line.split(' ');
    executor.submit(new Request(knownCall(name!, args), plainContext, unobserved));
  };
  return { carried, connection, wrap, submit: submitTo(direct), publish: submitTo(publishing) };
}

describe('The ECHO of verify', () => {
  it('counts what goes by every executor of a connection together', () => {
    const { carried, submit, publish } = setUp(2);
    submit('GET k');
    publish('PUBLISH c m');
    publish('PUBLISH c m');
    submit('GET k');
    expect(carried).toStrictEqual(['GET', 'publishing: PUBLISH', 'ECHO', 'publishing: PUBLISH', 'GET', 'ECHO']);
  });

  it.each([
    ['the end of a transaction', ['MULTI', 'SET k v', 'EXEC'], ['MULTI', 'SET', 'EXEC', 'ECHO']],
    ['DISCARD', ['MULTI', 'SET k v', 'DISCARD'], ['MULTI', 'SET', 'DISCARD', 'ECHO']],
    ['RESET in a transaction', ['MULTI', 'RESET'], ['MULTI', 'RESET', 'ECHO']],
    ['what ASKING is for', ['ASKING', 'GET k'], ['ASKING', 'GET', 'ECHO']],
    ['what CLIENT CACHING is for', ['CLIENT CACHING YES', 'GET k'], ['CLIENT CACHING', 'GET', 'ECHO']],
    ['what CLIENT REPLY SKIP mutes', ['CLIENT REPLY skip', 'GET k'], ['CLIENT REPLY', 'GET', 'ECHO']],
    [
      'CLIENT REPLY ON',
      ['CLIENT REPLY OFF', 'GET k', 'CLIENT REPLY ON'],
      ['CLIENT REPLY', 'GET', 'CLIENT REPLY', 'ECHO'],
    ],
    ['RESET where replies are off', ['CLIENT REPLY OFF', 'RESET'], ['CLIENT REPLY', 'RESET', 'ECHO']],
    ['nothing where WATCH is sent', ['WATCH k'], ['WATCH', 'ECHO']],
  ])('waits for %s', (_, sent, expected) => {
    const { carried, submit } = setUp(1);
    sent.forEach(submit);
    expect(carried).toStrictEqual(expected);
  });

  it('is sent by nothing where it is off, and the executor is the connection itself', () => {
    const { connection, wrap } = setUp(0);
    expect(wrap(connection)).toBe(connection);
  });
});

import { inspect } from 'node:util';
import {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  ProtocolError,
  RedisError,
  ReplyError,
  TimeoutError,
} from 'rxjs-redis';
import { aclSetuser, auth, call, configSet, evalsha, fcall, get, migrate, type Command } from 'rxjs-redis/commands';
import { toReplyError } from '../../src/commands/reply-error';
import { ErrorFrame } from '../../src/resp/frames';

const refused = (text: string, command: Command = get('k')) => toReplyError(new ErrorFrame(text), command);

describe('Errors', () => {
  it.each<[RedisError, string, string]>([
    [new ConnectionError('lost'), 'ConnectionError', 'CONNECTION'],
    [new TimeoutError('late'), 'TimeoutError', 'TIMEOUT'],
    [new ProtocolError('what?'), 'ProtocolError', 'PROTOCOL'],
    [new DisconnectedError('closed'), 'DisconnectedError', 'DISCONNECTED'],
    [new ReplyError('WRONGTYPE no', 'WRONGTYPE'), 'ReplyError', 'REPLY'],
    [new AuthenticationError('NOAUTH no', 'NOAUTH'), 'AuthenticationError', 'AUTHENTICATION'],
  ])('have a name and a stable code: %s', (error, name, code) => {
    expect(error).toBeInstanceOf(RedisError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({ name, code });
    expect(error.stack).toMatch(new RegExp(`^${name}: `));
    expect(inspect(error)).toMatch(new RegExp(`^${name}: `));
  });

  it('of refused credentials are reply errors too', () => {
    expect(new AuthenticationError('WRONGPASS no', 'WRONGPASS')).toBeInstanceOf(ReplyError);
  });

  it('say how far the command got', () => {
    expect(new ConnectionError('lost').delivery).toBe('unsent');
    expect(new ReplyError('WRONGTYPE no', 'WRONGTYPE').delivery).toBe('answered');
    expect(new TimeoutError('late', { delivery: 'unknown' }).delivery).toBe('unknown');
  });

  it('call repeatable what was not sent, unless they are told better', () => {
    expect(new ConnectionError('lost').repeatable).toBe(true);
    expect(new ConnectionError('lost', { delivery: 'unknown' }).repeatable).toBe(false);
    expect(new ConnectionError('lost', { delivery: 'unknown', repeatable: true }).repeatable).toBe(true);
    expect(new ReplyError('WRONGTYPE no', 'WRONGTYPE').repeatable).toBe(false);
  });

  it('keep their cause, and have none where there is none', () => {
    const cause = new Error('ECONNRESET');
    expect(new ConnectionError('lost', { cause }).cause).toBe(cause);
    expect(Object.hasOwn(new ConnectionError('lost'), 'cause')).toBe(false);
  });

  it('show all that they know to JSON', () => {
    const error = new TimeoutError('GET was sent and not answered', { delivery: 'unknown', command: 'GET' });
    expect(JSON.parse(JSON.stringify(error))).toStrictEqual({
      name: 'TimeoutError',
      code: 'TIMEOUT',
      delivery: 'unknown',
      repeatable: false,
      command: 'GET',
    });
  });
});

describe('The error for an error reply', () => {
  it("carries the server's text, its kind and the command", () => {
    expect(refused('WRONGTYPE Operation against a key holding the wrong kind of value')).toMatchObject({
      message: 'WRONGTYPE Operation against a key holding the wrong kind of value',
      kind: 'WRONGTYPE',
      command: 'GET',
      delivery: 'answered',
    });
  });

  it.each([
    [
      "ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'ann' 'hunter2' ",
      "ERR unknown command 'HELLO'",
    ],
    [
      'ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `ann`, `hunter2`, ',
      'ERR unknown command `HELLO`',
    ],
    [
      "ERR Error in ACL SETUSER modifier '<hunter2': The password you are trying to remove does not exist",
      "ERR Error in ACL SETUSER modifier '': The password you are trying to remove does not exist",
    ],
    ["ERR Error in ACL SETUSER modifier '<hunter2': 'hunter2': no", "ERR Error in ACL SETUSER modifier '': no"],
    [
      "ERR Error in ACL SETUSER modifier 'no-such-rule': Syntax error",
      "ERR Error in ACL SETUSER modifier 'no-such-rule': Syntax error",
    ],
  ])('repeats no argument that the server repeats: %s', (text, message) => {
    expect(refused(text).message).toBe(message);
  });

  it.each<[Command, string, boolean]>([
    [get('k'), 'BUSY come back later', true],
    [call('MODULE.DO', 'k'), 'BUSY come back later', false],
    [
      call('MODULE.DO', 'k'),
      'BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.',
      true,
    ],
    [call('MODULE.DO', 'k'), 'LOADING Valkey is loading the dataset in memory', true],
    [evalsha('sha', []), 'LOADING Redis is loading the dataset in memory', true],
    [evalsha('sha', []), 'LOADING Redis is loading the dataset in memory script: sha, on @user_script:1.', false],
    [fcall('f', []), 'CLUSTERDOWN Hash slot not served', true],
    [fcall('f', []), 'TRYAGAIN not yet', false],
  ])('tells what has not run, and believes scripts and modules in nothing: %s', (command, text, repeatable) => {
    expect(toReplyError(new ErrorFrame(text), command).repeatable).toBe(repeatable);
  });

  it.each<[Command, string, string]>([
    [
      configSet({ 'tls-key-file-pass': 'hunter2' }),
      "ERR Invalid argument 'hunter2' for CONFIG SET 'tls-key-file-pass'",
      "ERR Invalid argument '***' for CONFIG SET 'tls-key-file-pass'",
    ],
    [
      aclSetuser('ann', ['on', '(+get >hunter2)', '>h.*']),
      "ERR Error in ACL SETUSER modifier '(+get >hunter2)': no h.*, on",
      "ERR Error in ACL SETUSER modifier '(+get >***)': no ***, on",
    ],
    [auth('ann', 'hunter2'), 'ERR ann hunter2 hunter22', 'ERR *** *** hunter22'],
    [
      migrate('there', 1, 'k', 0, 10, { AUTH2: ['ann', 'hunter2'] }),
      "ERR Target said 'hunter2' of ann",
      "ERR Target said '***' of ***",
    ],
    [get('hunter2'), 'ERR hunter2', 'ERR hunter2'],
  ])('shows no secret of its command: %s', (command, text, message) => {
    expect(toReplyError(new ErrorFrame(text), command).message).toBe(message);
  });

  it.each([
    ['WRONGPASS invalid username-password pair or user is disabled.', 'WRONGPASS'],
    ['NOAUTH Authentication required.', 'NOAUTH'],
    ['ERR invalid password', 'ERR'],
    ['ERR AUTH <password> called without any password configured for the default user.', 'ERR'],
    ['ERR Client sent AUTH, but no password is set', 'ERR'],
  ])('is an AuthenticationError where credentials are refused: %s', (text, kind) => {
    const error = refused(text, auth('pw'));
    expect(error).toBeInstanceOf(AuthenticationError);
    expect(error).toMatchObject({ kind, code: 'AUTHENTICATION', command: 'AUTH' });
  });

  it.each(['NOPERM this user has no permissions', 'ERR syntax error', 'OOM command not allowed'])(
    'is none otherwise: %s',
    (text) => expect(refused(text)).not.toBeInstanceOf(AuthenticationError),
  );
});

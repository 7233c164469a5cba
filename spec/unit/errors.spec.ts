import { inspect } from 'node:util';
import {
  AuthenticationError,
  ConnectionError,
  DisconnectedError,
  OverflowError,
  ProtocolError,
  RedisError,
  ReplyError,
  TimeoutError,
} from 'rxjs-redis';
import { aclSetuser, auth, call, configSet, evalsha, fcall, get, migrate, type Command } from 'rxjs-redis/commands';
import { toReplyError } from '../../src/commands/reply-error';
import { ErrorFrame } from '../../src/resp/frames';
import { expectLinear } from '../support/growth';

const refused = (text: string, command: Command = get('k')) => toReplyError(new ErrorFrame(text), command);

describe('Errors', () => {
  it.each([
    [
      'ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -MASTERDOWN Link with MASTER is down and x',
      'MASTERDOWN',
    ],
    ["@user_script:1: READONLY You can't write against a read only replica.", 'READONLY'],
    ['ERR user_script:1: MASTERDOWN of my own', 'ERR'],
  ])("have the server's word as their kind, also inside what a script says: %s", (text, kind) => {
    expect(refused(text, evalsha('f'.repeat(40)))).toMatchObject({ kind, repeatable: false });
  });

  it.each<[RedisError, string, string]>([
    [new ConnectionError('lost'), 'ConnectionError', 'CONNECTION'],
    [new TimeoutError('late'), 'TimeoutError', 'TIMEOUT'],
    [new ProtocolError('what?'), 'ProtocolError', 'PROTOCOL'],
    [new DisconnectedError('closed'), 'DisconnectedError', 'DISCONNECTED'],
    [new OverflowError(10), 'OverflowError', 'OVERFLOW'],
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
      "ERR Error in ACL SETUSER modifier '<***': The password you are trying to remove does not exist",
    ],
    ["ERR Error in ACL SETUSER modifier '<hunter2': 'hunter2': no", "ERR Error in ACL SETUSER modifier '<***': no"],
    [
      "ERR Error in ACL SETUSER modifier '(+get >hunter2 ~k)': Syntax error",
      "ERR Error in ACL SETUSER modifier '(+get >*** ~k)': Syntax error",
    ],
    ["ERR Error in ACL SETUSER modifier '>hunter2", "ERR Error in ACL SETUSER modifier '>***"],
    [
      "ERR Invalid argument 'hunter2' for CONFIG SET 'requirepass'",
      "ERR Invalid argument '***' for CONFIG SET 'requirepass'",
    ],
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
    [aclSetuser('ann', ['>hunt (er) 2']), 'ERR no hunt (er) 2', 'ERR no ***'],
    [auth('hunter\r\n2'), 'ERR hunter  2 and hunter\r\n2', 'ERR *** and ***'],
    [get('hunter2'), 'ERR hunter2', 'ERR hunter2'],
  ])('shows no secret of its command: %s', (command, text, message) => {
    expect(toReplyError(new ErrorFrame(text), command).message).toBe(message);
  });

  it('shows the beginning of a text of 30 MB, and says that there is more', () => {
    const error = refused(`ERR ${'long '.repeat(6_000_000)}`);
    expect(error.message).toHaveLength(4096);
    expect(error.message).toMatch(/^ERR long .*…$/);
    expect(refused(`${'X'.repeat(1_000_000)} no`).kind).toBe('ERR');
    expect(new ReplyError('no', 'X'.repeat(1_000_000)).kind).toHaveLength(64);
    expect(new ConnectionError(error.message, { cause: error }).message).toBe(error.message);
  });

  it('cuts a text without cutting a secret in two, so that a part of it is shown', () => {
    for (const before of [4080, 4090, 4094, 4095, 4096]) {
      const { message } = refused(`${'-'.repeat(before - 1)} hunter2 ${'-'.repeat(9000)}`, auth('hunter2'));
      expect(message).not.toMatch(/h/);
      expect(message).toMatch(/…$/);
    }
    const secrets = Array.from({ length: 500 }, (_, at) => `secret${at}.${'x'.repeat(40)}`);
    const text = secrets.join(' ');
    const rules = secrets.map((secret): `>${string}` => `>${secret}`);
    expect(refused(text, aclSetuser('ann', rules)).message).toMatch(/^(\*\*\* ){80,90}\*\*\*…$/);
  });

  it.each<[what: string, text: (size: number) => string, command: (size: number) => Command]>([
    ['arguments that servers repeat', (size) => "ACL SETUSER modifier '>':".repeat(size), () => get('k')],
    ['unfinished repetitions', (size) => "ACL SETUSER modifier '>".repeat(size), () => get('k')],
    ['values of CONFIG SET', (size) => "Invalid argument '' for CONFIG SET '".repeat(size), () => get('k')],
    ['selectors', (size) => `ACL SETUSER modifier '(${' >>'.repeat(size)}':`, () => get('k')],
    ['a secret like the text', (size) => 'a'.repeat(size), (size) => auth('a'.repeat(size / 2))],
    ['a secret nearly like the text', (size) => 'a'.repeat(size), (size) => auth(`${'a'.repeat(size / 2)}b`)],
    ['a secret with a beginning like no other', (size) => 'a'.repeat(size), (size) => auth(`b${'a'.repeat(size / 2)}`)],
    [
      'many secrets',
      (size) => 'a '.repeat(size),
      (size) =>
        aclSetuser(
          'ann',
          Array.from({ length: size / 100 }, (_, at): `>${string}` => `>${'a '.repeat(at % 50)}a${at}`),
        ),
    ],
    ['a word that is no kind', (size) => 'X'.repeat(size), () => get('k')],
    ['a script raising it', (size) => `LOADING ${' script:'.repeat(size)}`, () => evalsha('sha', [])],
  ])('is made in time in proportion to %s', (_, textOf, commandOf) => {
    const prepare = (size: number) => {
      const frame = new ErrorFrame(textOf(size));
      const command = commandOf(size);
      return () => toReplyError(frame, command);
    };
    expectLinear(prepare, 5_000);
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

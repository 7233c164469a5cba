import { Subscriber } from 'rxjs';
import { append, evalshaOrEval, get, scriptFlush, set, type Command } from 'rxjs-redis/commands';
import { Group } from '../../../src/commands/group';
import { LuaScript } from '../../../src/commands/lua-script';
import { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import { Transaction } from '../../../src/commands/transaction';
import { LoadedScripts } from '../../../src/connection/loaded-scripts';
import { Ring } from '../../../src/connection/ring';
import { scriptOf } from '../../../src/groups/script';
import { Reply } from '../../../src/commands/reply';
import { commandsOf, greet, lose, retryingConnection, tick } from '../../support/scripted-link';

const LUA = "return redis.call('append', KEYS[1], ARGV[1])";
const script = new LuaScript(LUA);
const SHA = script.id;
const LOAD = `SCRIPT LOAD ${LUA}`;
const LOADED = `$40\r\n${SHA}\r\n`;
const NOSCRIPT = '-NOSCRIPT No matching script. Please use EVAL.\r\n';
const send = <T>(command: Command<T>) =>
  Reply.from({ ...plainContext, executor: { submit: () => undefined } }, command);
const appends = scriptOf(send, script, { keys: 1 });
const reads = scriptOf(send, script, { keys: 1, readOnly: true });

/** A connection that is through its handshake, and what is sent on it. */
async function setUp() {
  const made = retryingConnection();
  const { connection, links } = made;
  const greeted = async () => {
    await tick();
    await greet(links.at(-1)!);
  };
  connection.open();
  await greeted();
  return {
    ...made,
    greeted,
    receive: async (text: string) => {
      links.at(-1)!.receive(text);
      await tick();
    },
    /** What was sent behind the greeting, on the latest link. */
    sent: () => commandsOf(links.at(-1)!).slice(3),
    /** The same, and the link knows the script. */
    sentSince: (known: number) => commandsOf(links.at(-1)!).slice(3 + known),
  };
}

/** The same, where the server has answered a call of the script. */
async function setUpKnown() {
  const made = await setUp();
  made.send(appends.command(['k'], ['0']));
  await tick();
  await made.receive(':1\r\n');
  return made;
}

const whole = (key: string, arg: string) => `EVAL ${LUA} 1 ${key} ${arg}`;
const bySha = (key: string, arg: string) => `EVALSHA ${SHA} 1 ${key} ${arg}`;

describe('The first call of a script on a link', () => {
  it('is sent by its SHA-1, and nothing behind it until it is answered', async () => {
    const { send, receive, sent } = await setUp();
    const call = send(appends.command(['k'], ['a']));
    const later = send(append('k', 'b'));
    await tick();
    expect(sent()).toStrictEqual([bySha('k', 'a')]);
    await receive(':1\r\n');
    expect(call.values).toStrictEqual([1]);
    expect(sent().slice(1)).toStrictEqual(['APPEND k b']);
    await receive(':2\r\n');
    expect(later.values).toStrictEqual([2]);
    send(appends.command(['k'], ['c']));
    send(append('k', 'd'));
    await tick();
    expect(sent().slice(2)).toStrictEqual([bySha('k', 'c'), 'APPEND k d']);
  });

  it('is loaded and sent whole ahead of all others where the server lacks the script, and by its SHA-1 from then on', async () => {
    const { send, receive, sent } = await setUp();
    const call = send(appends.command(['k'], ['a']));
    const later = [send(append('k', 'b')), send(appends.command(['k'], ['c']))];
    await tick();
    await receive(NOSCRIPT);
    expect(call.ended).toBeUndefined();
    expect(sent().slice(1)).toStrictEqual([LOAD, whole('k', 'a'), 'APPEND k b', bySha('k', 'c')]);
    await receive(`${LOADED}:1\r\n:2\r\n:3\r\n`);
    expect([call, ...later].map(({ values }) => values)).toStrictEqual([[1], [2], [3]]);
  });

  it('waits no longer for that than it may take in all', async () => {
    const { send, receive, pass, sent } = await setUp();
    const call = send(appends.command(['k'], ['a']));
    await tick();
    await pass(20_000);
    await receive(NOSCRIPT);
    expect(sent().at(-1)).toBe(whole('k', 'a'));
    await pass(9_000);
    expect(call.ended).toBeUndefined();
    await pass(2_000);
    expect(call.ended).toMatchObject({ code: 'TIMEOUT', command: 'EVALSHA', delivery: 'unknown' });
  });

  it('holds nothing back any more once its observer has left and it is answered', async () => {
    const { send, receive, sent } = await setUp();
    const left = send(appends.command(['k'], ['a']));
    const later = send(append('k', 'b'));
    await tick();
    left.stop();
    await receive(NOSCRIPT);
    expect(sent().slice(1)).toStrictEqual(['APPEND k b']);
    await receive(':1\r\n');
    expect(later.values).toStrictEqual([1]);
    send(appends.command(['k'], ['c']));
    await tick();
    expect(sent().at(-1)).toBe(whole('k', 'c'));
  });

  it('may have run when the link is lost before it is answered, and what it held back goes out on the next', async () => {
    const { send, links, sent, pass, greeted } = await setUp();
    const call = send(appends.command(['k'], ['a']));
    send(append('k', 'b'));
    await tick();
    lose(links.at(-1)!);
    expect(call.ended).toMatchObject({ code: 'CONNECTION', delivery: 'unknown', command: 'EVALSHA' });
    await pass(10);
    await greeted();
    expect(sent()).toStrictEqual(['APPEND k b']);
  });

  it('fails with an error of its own, and the script is known', async () => {
    const { send, receive, sent } = await setUp();
    const call = send(appends.command(['k'], ['a']));
    await tick();
    await receive('-WRONGTYPE Operation against a key holding the wrong kind of value\r\n');
    expect(call.ended).toMatchObject({ kind: 'WRONGTYPE' });
    send(appends.command(['k'], ['b']));
    send(append('k', 'c'));
    await tick();
    expect(sent().slice(1)).toStrictEqual([bySha('k', 'b'), 'APPEND k c']);
  });

  it('is not sent a third time where the whole of it is answered in the same words', async () => {
    const { send, receive, sent } = await setUp();
    const call = send(appends.command(['k'], ['a']));
    await tick();
    await receive(NOSCRIPT);
    await receive(LOADED + NOSCRIPT);
    expect(call.ended).toMatchObject({ kind: 'NOSCRIPT', delivery: 'answered' });
    expect(sent()).toStrictEqual([bySha('k', 'a'), LOAD, whole('k', 'a')]);
  });

  it('takes no words of a script for the server’s own', async () => {
    const { send, receive, sent } = await setUp();
    const call = send(appends.command(['k'], ['a']));
    await tick();
    await receive('-NOSCRIPT of mine\r\n');
    expect(call.ended).toMatchObject({ kind: 'NOSCRIPT' });
    expect(sent()).toHaveLength(1);
  });
});

describe('A call of a script that the server has forgotten', () => {
  const forgotten = { kind: 'NOSCRIPT', delivery: 'answered', repeatable: false };

  it('fails when a later write to its key has run', async () => {
    const { send, receive, sent } = await setUpKnown();
    const call = send(appends.command(['k'], ['a']));
    const later = send(append('k', 'b'));
    const other = send(appends.command(['other'], ['c']));
    await tick();
    await receive(`${NOSCRIPT}:2\r\n`);
    expect(call.ended).toMatchObject(forgotten);
    expect(later.values).toStrictEqual([2]);
    await receive(NOSCRIPT);
    expect(sent().slice(4)).toStrictEqual([LOAD, whole('other', 'c')]);
    await receive(`${LOADED}:1\r\n`);
    expect(other.values).toStrictEqual([1]);
  });

  it('is sent whole when a later write to its key was refused', async () => {
    const { send, receive, sent } = await setUpKnown();
    const call = send(appends.command(['k'], ['a']));
    send(append('k', 'b'));
    await tick();
    await receive(`${NOSCRIPT}-WRONGTYPE Operation against a key\r\n`);
    expect(sent().slice(3)).toStrictEqual([LOAD, whole('k', 'a')]);
    await receive(`${LOADED}:1\r\n`);
    expect(call.values).toStrictEqual([1]);
  });

  it('is brought along once by many of them, which keep their order', async () => {
    const { send, receive, sent } = await setUpKnown();
    const calls = ['a', 'b', 'c'].map((arg) => send(appends.command(['k'], [arg])));
    await tick();
    await receive(NOSCRIPT.repeat(3));
    expect(sent().slice(4)).toStrictEqual([LOAD, whole('k', 'a'), bySha('k', 'b'), bySha('k', 'c')]);
    await receive(`${LOADED}:2\r\n:3\r\n:4\r\n`);
    expect(calls.map(({ values }) => values)).toStrictEqual([[2], [3], [4]]);
  });

  it('keeps its time', async () => {
    const { send, receive, pass } = await setUpKnown();
    const call = send(appends.command(['k'], ['a']));
    await tick();
    await pass(29_000);
    await receive(NOSCRIPT);
    await pass(2_000);
    expect(call.ended).toMatchObject({ code: 'TIMEOUT' });
  });

  it('is sent by its SHA-1 on the next link, when the last one is lost before it was sent whole', async () => {
    const { send, links, sent, receive, pass, greeted } = await setUpKnown();
    const call = send(appends.command(['k'], ['a']));
    await tick();
    links.at(-1)!.receive(NOSCRIPT);
    lose(links.at(-1)!);
    await pass(10);
    await greeted();
    expect(sent()).toStrictEqual([bySha('k', 'a')]);
    await receive(NOSCRIPT);
    await receive(`${LOADED}:1\r\n`);
    expect(call.values).toStrictEqual([1]);
  });
});

describe('A call that only reads', () => {
  it('is sent again when its link is lost, and passes what writes to its keys', async () => {
    const { send, links, sent, receive, pass, greeted } = await setUpKnown();
    const call = send(reads.command(['k'], ['a']));
    await tick();
    lose(links.at(-1)!);
    await pass(10);
    await greeted();
    expect(sent()).toStrictEqual([`EVALSHA_RO ${SHA} 1 k a`]);
    await receive(':1\r\n');
    const behind = send(reads.command(['k'], ['b']));
    const write = send(append('k', 'c'));
    await tick();
    await receive(`${NOSCRIPT}:2\r\n`);
    expect(sent().slice(3)).toStrictEqual([LOAD, `EVAL_RO ${LUA} 1 k b`]);
    await receive(`${LOADED}:3\r\n`);
    expect([call.values, behind.values, write.values]).toStrictEqual([[1], [3], [2]]);
  });
});

describe('A call that only reads, where the server has not said its version,', () => {
  const BY_SHA_RO = `EVALSHA_RO ${SHA} 1 k a`;

  it('has the command for that, and so have later groups', async () => {
    const { send, receive, sent } = await setUp();
    send(new Group([reads.command(['k'], ['a'])]));
    const call = send(reads.command(['k'], ['a']));
    await tick();
    expect(sent().slice(1)).toStrictEqual([whole('k', 'a'), BY_SHA_RO]);
    await receive(`${LOADED}:1\r\n:2\r\n`);
    expect(call.values).toStrictEqual([2]);
    send(new Group([reads.command(['k'], ['a'])]));
    await tick();
    expect(sent().at(-1)).toBe(BY_SHA_RO);
  });

  it('is sent as any other where the server does not know it', async () => {
    const { send, receive, sent } = await setUp();
    const call = send(reads.command(['k'], ['a']));
    await tick();
    await receive('-ERR unknown command `EVALSHA_RO`, with args beginning with: `x`\r\n');
    await receive(NOSCRIPT);
    await receive(`${LOADED}:1\r\n`);
    expect(sent()).toStrictEqual([BY_SHA_RO, bySha('k', 'a'), LOAD, whole('k', 'a')]);
    expect(call.values).toStrictEqual([1]);
  });
});

describe('A group with scripts', () => {
  it.each<[string, (commands: readonly Command[]) => Group, string[], string]>([
    ['pipeline', (commands) => new Group(commands), [], '+OK\r\n:1\r\n:2\r\n'],
    [
      'transaction',
      (commands) => new Transaction(commands),
      ['MULTI'],
      '+OK\r\n+QUEUED\r\n+QUEUED\r\n+QUEUED\r\n*3\r\n+OK\r\n:1\r\n:2\r\n',
    ],
  ])('has them loaded ahead once, in the same write: a %s', async (_, group, begin, replies) => {
    const { send, receive, sent, links } = await setUp();
    const writes = links.at(-1)!.writes.length;
    const make = () => group([set('a', '1'), appends.command(['k'], ['a']), appends.command(['k'], ['b'])]);
    const first = send(make());
    await tick();
    expect(sent().slice(0, 2 + begin.length)).toStrictEqual([LOAD, ...begin, 'SET a 1']);
    expect(links.at(-1)!.writes.length - writes).toBe(1);
    await receive(`${LOADED}${replies}`);
    expect(first.values).toStrictEqual([['OK', 1, 2]]);
    const count = sent().length;
    const next = send(make());
    await tick();
    expect(sent()).toHaveLength(count * 2 - 1);
    await receive(replies);
    expect(next.values).toStrictEqual([['OK', 1, 2]]);
  });

  it('has the error of a script that the server has forgotten in its place, and loads it the next time', async () => {
    const { send, receive, sent } = await setUpKnown();
    send(new Group([appends.command(['k'], ['a'])]));
    await tick();
    await receive(`${LOADED}:1\r\n`);
    const first = send(new Group([appends.command(['k'], ['a']), get('k')]));
    await tick();
    await receive(`${NOSCRIPT}$1\r\n0\r\n`);
    expect(first.values).toMatchObject([[{ kind: 'NOSCRIPT' }, '0']]);
    send(new Transaction([appends.command(['k'], ['b'])]));
    await tick();
    expect(sent().slice(5)[0]).toBe(LOAD);
  });

  it.each<[string, (receive: (text: string) => Promise<void>) => Promise<void>, string[]]>([
    ['is answered, for perhaps only EVAL has brought it', (receive) => receive(':1\r\n'), [LOAD]],
    ['fails, for the same', (receive) => receive('-WRONGTYPE Operation\r\n'), [LOAD]],
    ['was given it, no more', (receive) => receive(NOSCRIPT).then(() => receive(`${LOADED}:1\r\n`)), []],
    [
      'ran although it could not be loaded, no more, for it would be in vain',
      (receive) => receive(NOSCRIPT).then(() => receive('-NOPERM no permission\r\n:1\r\n')),
      [],
    ],
    [
      'was given it and failed, no more',
      (receive) => receive(NOSCRIPT).then(() => receive(`${LOADED}-WRONGTYPE Operation\r\n`)),
      [],
    ],
  ])('has a script loaded ahead behind a call that %s', async (_what, answer, ahead) => {
    const { send, receive, sent } = await setUp();
    send(appends.command(['k'], ['a']));
    await tick();
    await answer(receive);
    const count = sent().length;
    for (const loads of [ahead, []]) {
      const group = send(new Group([appends.command(['k'], ['b'])]));
      const behind = send(appends.command(['k'], ['c']));
      const before = sent().length;
      await tick();
      const first = loads.length > 0 ? whole('k', 'b') : bySha('k', 'b');
      expect(sent().slice(before)).toStrictEqual([...loads, first, bySha('k', 'c')]);
      await receive(`${loads.map(() => LOADED).join('')}:2\r\n:3\r\n`);
      expect([group.values, behind.values]).toStrictEqual([[[2]], [3]]);
    }
    expect(sent()).toHaveLength(count + 4 + ahead.length);
  });

  it('has the reason in its place where a script was refused when a call brought it along', async () => {
    const { send, receive, sent } = await setUp();
    const call = send(appends.command(['k'], ['a']));
    await tick();
    await receive(NOSCRIPT);
    await receive('-ERR Error compiling script\r\n'.repeat(2));
    expect(call.ended).toMatchObject({ kind: 'ERR' });
    const group = send(new Group([appends.command(['k'], ['a'])]));
    await tick();
    expect(sent().slice(3)).toStrictEqual([LOAD, whole('k', 'a')]);
    await receive('-ERR Error compiling script\r\n'.repeat(2));
    expect(group.values).toMatchObject([[{ kind: 'ERR', command: 'EVALSHA' }]]);
  });

  it('has that reason without a stack, as every error in a place', async () => {
    const { send, receive } = await setUp();
    const group = send(new Group(['a', 'b'].map((arg) => appends.command(['k'], [arg]))));
    await tick();
    await receive(`-ERR Error compiling script\r\n-ERR Error compiling script\r\n${NOSCRIPT}`);
    const errors = group.values[0] as readonly Error[];
    expect(errors).toMatchObject([{ kind: 'ERR' }, { kind: 'ERR' }]);
    for (const { stack } of errors) expect(stack).not.toContain('\n    at ');
  });

  it('makes a script known to the calls behind it', async () => {
    const { send, receive, sent } = await setUp();
    send(new Group([appends.command(['k'], ['a'])]));
    const call = send(appends.command(['k'], ['b']));
    const later = send(append('k', 'c'));
    await tick();
    expect(sent()).toStrictEqual([LOAD, whole('k', 'a'), bySha('k', 'b'), 'APPEND k c']);
    await receive(`${LOADED}:1\r\n:2\r\n:3\r\n`);
    expect([call.values, later.values]).toStrictEqual([[2], [3]]);
  });

  it('has no script loaded ahead any more where that was refused', async () => {
    const { send, receive, sent } = await setUp();
    const make = () => send(new Group([appends.command(['k'], ['a']), appends.command(['k'], ['b'])]));
    const group = make();
    await tick();
    const behind = make();
    await tick();
    await receive(`-NOPERM this user has no permissions\r\n:1\r\n:2\r\n:3\r\n:4\r\n`);
    expect(group.values).toStrictEqual([[1, 2]]);
    expect(behind.values).toStrictEqual([[3, 4]]);
    const later = make();
    const before = sent().length;
    await tick();
    expect(sent().slice(before)).toStrictEqual([whole('k', 'a'), bySha('k', 'b')]);
    await receive(':5\r\n:6\r\n');
    expect(later.values).toStrictEqual([[5, 6]]);
    const call = send(appends.command(['k'], ['b']));
    await tick();
    expect(sent().at(-1)).toBe(bySha('k', 'b'));
    await receive(':1\r\n');
    expect(call.values).toStrictEqual([1]);
  });
});

describe('A reply to what was written before the client’s own SCRIPT FLUSH', () => {
  it.each<[string, string, (call: string) => string[]]>([
    ['was answered', ':1\r\n', (call) => [call]],
    ['failed', '-WRONGTYPE Operation\r\n', (call) => [call]],
  ])('does not make the script known: a call that %s', async (_, answer, expected) => {
    const { send, receive, sent } = await setUpKnown();
    send(appends.command(['k'], ['a']));
    send(scriptFlush());
    await tick();
    await receive(answer);
    await receive('+OK\r\n');
    const before = sent().length;
    send(appends.command(['k'], ['b']));
    send(append('k', 'c'));
    await tick();
    expect(sent().slice(before)).toStrictEqual(expected(bySha('k', 'b')));
    await receive(NOSCRIPT);
    const group = send(new Group([appends.command(['k'], ['d'])]));
    await tick();
    expect(sent().slice(before + 1, before + 3)).toStrictEqual([LOAD, whole('k', 'b')]);
    await receive(`${LOADED}:1\r\n:2\r\n:3\r\n`);
    expect(group.values).toStrictEqual([[3]]);
  });

  it('nor does one that is written before the server has answered that, on any connection of the client', () => {
    const forgettings = { count: 0 };
    const owed = new Ring<Request>();
    const [here, there] = [new LoadedScripts(owed, forgettings), new LoadedScripts(new Ring(), forgettings)];
    const flush = new Request(scriptFlush(), plainContext, new Subscriber());
    there.wrote(flush, flush.command.spec);
    const call = new Request(appends.command(['k'], ['a']), plainContext, new Subscriber());
    expect(here.has(script)).toBeUndefined();
    owed.push(call);
    there.answered(flush);
    owed.shift();
    here.ran(call, 0, 1);
    expect(here.has(script)).toBeUndefined();
    owed.push(call);
    owed.shift();
    here.ran(call, 1, 1);
    expect(here.has(script)).toBe(true);
  });
});

describe('evalshaOrEval', () => {
  it('is a call of the same script', async () => {
    const { send, receive, sent } = await setUp();
    const call = send(evalshaOrEval<number>(LUA, 'k', ['a']));
    await tick();
    await receive(NOSCRIPT);
    expect(sent()).toStrictEqual([bySha('k', 'a'), LOAD, whole('k', 'a')]);
    await receive(`${LOADED}:1\r\n`);
    expect(call.values).toStrictEqual([1]);
  });
});

describe('A script before a link', () => {
  it('shows a log nothing but its keys', () => {
    const command = appends.command(['k'], ['secret']);
    expect(JSON.stringify(command)).toBe('{"name":"EVALSHA","args":["***","***","k","***"]}');
    const request = new Request(command, plainContext, new Subscriber());
    expect(JSON.stringify(request.command)).not.toContain('secret');
  });
});

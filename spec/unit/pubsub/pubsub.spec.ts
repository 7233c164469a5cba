import { BehaviorSubject } from 'rxjs';
import type { Clock } from '../../../src/connection/clock';
import { record } from '../../support/clients';
import { until } from '../../support/until';
import { commandsOf, greet, lose, scriptedConnection, tick } from '../../support/scripted-link';
import { VirtualClock } from '../../support/virtual-clock';

const confirmed = (channel: string) => `>3\r\n+subscribe\r\n+${channel}\r\n:1\r\n`;
const left = (channel: string) => `>3\r\n+unsubscribe\r\n+${channel}\r\n:0\r\n`;
const afterGreeting = (commands: string[]) => commands.filter((command) => /^P?(UN)?SUBSCRIBE/.test(command));

describe('PubSub', () => {
  const set = (options = {}, clock?: Clock) => {
    const scripted = scriptedConnection(options, clock);
    cleanUp.push(() => scripted.connection.destroy());
    return scripted;
  };
  const cleanUp: (() => void)[] = [];
  afterEach(() => cleanUp.splice(0).forEach((end) => end()));

  it('subscribes to a channel that is joined while the others are restored', async () => {
    const { pubsub, greeted } = set();
    record(pubsub.messages('channel', ['a']));
    const link = await greeted();
    record(pubsub.messages('channel', ['b']));
    await tick();
    expect(afterGreeting(commandsOf(link))).toStrictEqual(['SUBSCRIBE a']);
    link.receive(confirmed('a'));
    await tick();
    expect(afterGreeting(commandsOf(link))).toStrictEqual(['SUBSCRIBE a', 'SUBSCRIBE b']);
  });

  it('leaves a channel whose last Observer went while it was restored', async () => {
    const { pubsub, greeted } = set();
    const observer = record(pubsub.messages('channel', ['a']));
    const link = await greeted();
    observer.stop();
    link.receive(confirmed('a'));
    await tick();
    expect(afterGreeting(commandsOf(link))).toStrictEqual(['SUBSCRIBE a', 'UNSUBSCRIBE a']);
  });

  it('does not send on a new link what was asked for on the lost one', async () => {
    const { pubsub, connection, greeted } = set();
    connection.open();
    const first = await greeted();
    const observer = record(pubsub.messages('channel', ['a']));
    await tick();
    first.receive(confirmed('a'));
    first.accepts = false; // the send buffer is full behind the next write
    record(pubsub.messages('channel', ['b']));
    await tick();
    observer.stop();
    await tick();
    const again = record(pubsub.messages('channel', ['a']));
    lose(first);
    const second = await greeted();
    second.receive(confirmed('a') + confirmed('b'));
    await tick();
    expect(afterGreeting(commandsOf(second))).toHaveLength(1);
    expect(afterGreeting(commandsOf(second))[0]).toMatch(/^SUBSCRIBE (a b|b a)$/);
    second.receive('>3\r\n+message\r\n+a\r\n+alive\r\n');
    expect(again.values.map(({ data }) => data)).toStrictEqual(['alive']);
  });

  it('asks again, one by one, only for those who stayed when a server refuses many', async () => {
    const { pubsub, connection, greeted } = set();
    connection.open();
    const link = await greeted();
    const forbidden = record(pubsub.messages('channel', ['forbidden']));
    const gone = record(pubsub.messages('channel', ['gone']));
    const stays = record(pubsub.messages('channel', ['stays']));
    await tick();
    gone.stop();
    await tick();
    link.receive('-NOPERM not that one\r\n');
    link.receive(left('gone'));
    await tick();
    const asked = afterGreeting(commandsOf(link)).slice(2);
    expect(asked).toStrictEqual(['SUBSCRIBE forbidden', 'SUBSCRIBE stays']);
    link.receive(`-NOPERM not that one\r\n${confirmed('stays')}`);
    expect(forbidden.ended).toMatchObject({ kind: 'NOPERM' });
    expect(stays.ended).toBeUndefined();
  });

  it('tells who is refused a channel, whatever becomes of what others leave', async () => {
    const { pubsub, connection, greeted } = set();
    connection.open();
    const link = await greeted();
    const first = record(pubsub.messages('channel', ['a']));
    await tick();
    link.receive(confirmed('a'));
    first.stop();
    const refused = record(pubsub.messages('pattern', ['b*']));
    await tick();
    link.receive("-NOPERM no 'unsubscribe'\r\n-NOPERM no 'psubscribe'\r\n");
    await tick();
    expect(refused.ended).toMatchObject({ kind: 'NOPERM' });
  });

  it('gives an Observer of bytes no text for bytes that were decoded before it came', async () => {
    const { pubsub, connection, greeted } = set();
    connection.open();
    const link = await greeted();
    const texts = record(pubsub.messages('channel', ['c']));
    await tick();
    link.receive(confirmed('c'));
    link.bytes$.next(Buffer.from('>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n', 'latin1'));
    const bytes = record(pubsub.messagesAsBytes('channel', ['c']));
    link.bytes$.next(Buffer.from('\xff\r\n>3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$1\r\n\xff\r\n', 'latin1'));
    expect(texts.values).toHaveLength(2);
    expect(bytes.values.map(({ data }) => data)).toStrictEqual([Buffer.from([0xff])]);
  });

  it('in RESP2 keeps what its own connection holds when the shared one is made anew', async () => {
    const { pubsub, links, connection } = set({ protocol: 2 });
    connection.open();
    await tick();
    links[0]!.receive('+PONG\r\n+OK\r\n+OK\r\n');
    const observer = record(pubsub.messages('channel', ['a']));
    await tick();
    const own = links[1]!;
    own.receive('+PONG\r\n+OK\r\n+OK\r\n');
    await tick();
    own.receive('*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n');
    lose(links[0]!);
    while (links.length < 3) await tick();
    await tick();
    links[2]!.receive('+PONG\r\n+OK\r\n+OK\r\n');
    await tick();
    observer.stop();
    await tick();
    expect(afterGreeting(commandsOf(own))).toStrictEqual(['SUBSCRIBE a', 'UNSUBSCRIBE a']);
  });

  const inResp2 = async (options = {}, clock?: Clock) => {
    const scripted = set({ protocol: 2, ...options }, clock);
    const { connection, links, pubsub } = scripted;
    connection.open();
    await tick();
    links[0]!.receive('+OK\r\n'.repeat(commandsOf(links[0]!).length));
    await tick();
    const first = record(pubsub.messages('channel', ['a']));
    await tick();
    const own = links[1]!;
    own.receive('+OK\r\n'.repeat(commandsOf(own).length));
    await tick();
    own.receive('*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n');
    return { ...scripted, own, first };
  };

  it('in RESP2 goes on while the shared connection is made anew: who comes is subscribed, who leaves is not', async () => {
    const { links, pubsub, own, first } = await inResp2({ reconnect: { initialDelay: 60_000 } });
    lose(links[0]!);
    record(pubsub.messages('channel', ['b']));
    first.stop();
    await tick();
    expect(afterGreeting(commandsOf(own))).toStrictEqual(['SUBSCRIBE a', 'SUBSCRIBE b', 'UNSUBSCRIBE a']);
  });

  it('in RESP2 asks again for what was refused for the moment behind new credentials', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const { own, first } = await inResp2({ credentials: tokens$ });
    tokens$.next({ password: 'two' });
    await tick();
    expect(commandsOf(own).slice(-3)).toStrictEqual(['UNSUBSCRIBE a', 'AUTH two', 'SUBSCRIBE a']);
    own.receive(
      '*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:0\r\n+OK\r\n-LOADING Redis is loading the dataset in memory\r\n',
    );
    await until(() => commandsOf(own).length === 8);
    expect(commandsOf(own).at(-1)).toBe('SUBSCRIBE a');
    tokens$.next({ password: 'three' });
    await tick();
    expect(commandsOf(own).slice(-2)).toStrictEqual(['UNSUBSCRIBE a', 'AUTH three', 'SUBSCRIBE a'].slice(-2));
    expect(first.ended).toBeUndefined();
  });

  it('in RESP2 leaves for new credentials also what could not be left yet behind a full socket', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const { own, first, pubsub } = await inResp2({ credentials: tokens$ });
    own.accepts = false; // the send buffer is full behind the next write
    record(pubsub.messages('channel', ['b']));
    await tick();
    first.stop();
    await tick();
    tokens$.next({ password: 'two' });
    own.accepts = true;
    own.drain$.next();
    await tick();
    expect(commandsOf(own).slice(-4)).toStrictEqual(['SUBSCRIBE b', 'UNSUBSCRIBE b a', 'AUTH two', 'SUBSCRIBE b']);
  });

  it('in RESP2 leaves for new credentials also the last channel that could not be left yet', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const { own, first, pubsub } = await inResp2({ credentials: tokens$ });
    own.accepts = false;
    const second = record(pubsub.messages('channel', ['b']));
    await tick();
    first.stop();
    second.stop();
    await tick();
    tokens$.next({ password: 'two' });
    own.accepts = true;
    own.drain$.next();
    await tick();
    expect(commandsOf(own).slice(-3)).toStrictEqual(['SUBSCRIBE b', 'UNSUBSCRIBE a b', 'AUTH two']);
  });

  describe('has nothing left to do when the client is destroyed', () => {
    const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';

    it('after a channel was refused for the moment', async () => {
      const clock = new VirtualClock();
      const { pubsub, connection, greeted } = set({}, clock);
      connection.open();
      const link = await greeted();
      record(pubsub.messages('channel', ['a']));
      await tick();
      link.receive(LOADING);
      connection.destroy();
      expect(clock.waiting).toBe(0);
    });

    it('after a channel was refused for the moment in RESP2', async () => {
      const clock = new VirtualClock();
      const { pubsub, connection, own } = await inResp2({}, clock);
      record(pubsub.messages('channel', ['b']));
      await tick();
      own.receive(LOADING);
      connection.destroy();
      expect(clock.waiting).toBe(0);
    });
  });

  it('leaves its own connection when RESP3 is back, before that is asked to subscribe', async () => {
    const { pubsub, links, connection } = set();
    connection.open();
    await tick();
    links[0]!.receive("-ERR unknown command 'HELLO'\r\n+OK\r\n+OK\r\n");
    await tick();
    const observer = record(pubsub.messages('channel', ['a']));
    record(pubsub.messages('channel', ['b']));
    await tick();
    const own = links[1]!;
    own.receive('+OK\r\n+OK\r\n');
    await tick();
    lose(links[0]!);
    lose(own);
    while (links.length < 4) await tick();
    const shared = links.slice(2).find((link) => commandsOf(link).some((command) => command.startsWith('HELLO')))!;
    const other = links.slice(2).find((link) => link !== shared)!;
    other.receive('+OK\r\n+OK\r\n');
    await greet(shared);
    expect(other.destroyed).toBe(true);
    observer.stop();
    shared.receive(confirmed('a') + confirmed('b'));
    await tick();
    expect(afterGreeting(commandsOf(shared))).toStrictEqual(['SUBSCRIBE a b', 'UNSUBSCRIBE a']);
  });

  it('fails its Observers when the credentials are refused', async () => {
    const { pubsub, links } = set();
    const observer = record(pubsub.messages('channel', ['a']));
    await tick();
    links[0]!.receive('-WRONGPASS no\r\n+OK\r\n+OK\r\n');
    expect(observer.ended).toMatchObject({ code: 'AUTHENTICATION' });
  });

  it('delivers to the Observers that follow one that lets an error out', async () => {
    const { pubsub, connection, greeted } = set();
    const { Subscriber, config } = await import('rxjs');
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    class Bare extends Subscriber<unknown> {
      override next(): void {
        throw new Error('careless');
      }
    }
    connection.open();
    const link = await greeted();
    pubsub.messages('channel', ['c']).subscribe(new Bare());
    const other = record(pubsub.messages('channel', ['c']));
    await tick();
    link.receive(`${confirmed('c')}>3\r\n+message\r\n+c\r\n+m\r\n`);
    expect(other.values).toHaveLength(1);
    await new Promise((resolve) => setTimeout(resolve)); // behind the timer that reports
    config.onUnhandledError = null;
    expect(reported.map(String)).toStrictEqual(['Error: careless']);
  });
});

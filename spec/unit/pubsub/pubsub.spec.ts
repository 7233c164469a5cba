import { BehaviorSubject } from 'rxjs';
import type { RedisOptions } from 'rxjs-redis';
import type { Clock } from '../../../src/connection/clock';
import { confirmed, inArray, left, subscriptionsOn, useCarriers } from '../../support/carrier';
import { record } from '../../support/clients';
import { until } from '../../support/until';
import { commandsOf, lose, tick } from '../../support/scripted-link';
import { VirtualClock } from '../../support/virtual-clock';

describe('PubSub', () => {
  const { set, onCarrier } = useCarriers();

  it('has a connection of its own for messages, and none before the first subscription', async () => {
    const { pubsub, links, carried, greeted, connection } = set();
    connection.open();
    await greeted();
    expect(carried).toHaveLength(0);
    record(pubsub.messages('channel', ['a']));
    await tick();
    expect(carried).toHaveLength(1);
    expect([links.length, subscriptionsOn(links[0]!)]).toStrictEqual([1, []]);
  });

  it('subscribes to a channel that is joined while the others are restored', async () => {
    const { pubsub, carrierGreeted } = set();
    record(pubsub.messages('channel', ['a']));
    const link = await carrierGreeted();
    record(pubsub.messages('channel', ['b']));
    await tick();
    expect(subscriptionsOn(link)).toStrictEqual(['SUBSCRIBE a']);
    link.receive(confirmed('a'));
    await tick();
    expect(subscriptionsOn(link)).toStrictEqual(['SUBSCRIBE a', 'SUBSCRIBE b']);
  });

  it('leaves a channel whose last Observer went while it was restored', async () => {
    const { pubsub, carrierGreeted } = set();
    const observer = record(pubsub.messages('channel', ['a']));
    const link = await carrierGreeted();
    observer.stop();
    link.receive(confirmed('a'));
    await tick();
    expect(subscriptionsOn(link)).toStrictEqual(['SUBSCRIBE a', 'UNSUBSCRIBE a']);
  });

  it('does not send on a new link what was asked for on the lost one', async () => {
    const { pubsub, carrierGreeted, link, first } = await onCarrier();
    link.accepts = false; // the send buffer is full behind the next write
    record(pubsub.messages('channel', ['b']));
    await tick();
    first.stop();
    await tick();
    const again = record(pubsub.messages('channel', ['a']));
    lose(link);
    const second = await carrierGreeted();
    second.receive(confirmed('b') + confirmed('a'));
    await tick();
    expect(subscriptionsOn(second)).toStrictEqual(['SUBSCRIBE b a']);
    second.receive('>3\r\n+message\r\n+a\r\n+alive\r\n');
    expect(again.values.map(({ data }) => data)).toStrictEqual(['alive']);
  });

  it('asks again, one by one, only for those who stayed when a server refuses many', async () => {
    const { pubsub, link } = await onCarrier();
    const forbidden = record(pubsub.messages('channel', ['forbidden']));
    const gone = record(pubsub.messages('channel', ['gone']));
    const stays = record(pubsub.messages('channel', ['stays']));
    await tick();
    gone.stop();
    await tick();
    link.receive('-NOPERM not that one\r\n');
    link.receive(left('gone'));
    await tick();
    const asked = subscriptionsOn(link).slice(3);
    expect(asked).toStrictEqual(['SUBSCRIBE forbidden', 'SUBSCRIBE stays']);
    link.receive(`-NOPERM not that one\r\n${confirmed('stays')}`);
    expect(forbidden.ended).toMatchObject({ kind: 'NOPERM' });
    expect(stays.ended).toBeUndefined();
  });

  it('tells who is refused a channel, whatever becomes of what others leave', async () => {
    const { pubsub, link, first } = await onCarrier();
    first.stop();
    const refused = record(pubsub.messages('pattern', ['b*']));
    await tick();
    link.receive("-NOPERM no 'unsubscribe'\r\n-NOPERM no 'psubscribe'\r\n");
    await tick();
    expect(refused.ended).toMatchObject({ kind: 'NOPERM' });
  });

  it('gives an Observer of bytes no text for bytes that were decoded before it came', async () => {
    const { pubsub, link, first } = await onCarrier();
    link.bytes$.next(Buffer.from('>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n', 'latin1'));
    const bytes = record(pubsub.messagesAsBytes('channel', ['a']));
    link.bytes$.next(Buffer.from('\xff\r\n>3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\n\xff\r\n', 'latin1'));
    expect(first.values).toHaveLength(2);
    expect(bytes.values.map(({ data }) => data)).toStrictEqual([Buffer.from([0xff])]);
  });

  it.each([2, 3] as const)(
    'in RESP%d keeps its subscriptions when the shared connection is made anew',
    async (protocol) => {
      const { connection, links, greeted, link, first } = await onCarrier({ protocol });
      await greeted();
      lose(links[0]!);
      while (links.length < 2) await tick();
      await greeted();
      expect(connection.state$.value.kind).toBe('ready');
      first.stop();
      await tick();
      expect(subscriptionsOn(link)).toStrictEqual(['SUBSCRIBE a', 'UNSUBSCRIBE a']);
    },
  );

  const inResp2 = async (options: RedisOptions = {}, clock?: Clock) => {
    const scripted = await onCarrier({ protocol: 2, ...options }, clock);
    return { ...scripted, own: scripted.link };
  };

  it.each([2, 3] as const)(
    'in RESP%d goes on while the shared connection is made anew: who comes is subscribed, who leaves is not',
    async (protocol) => {
      const options = { protocol, reconnect: { initialDelay: 60_000 } };
      const { greeted, pubsub, link, first } = await onCarrier(options);
      lose(await greeted());
      record(pubsub.messages('channel', ['b']));
      first.stop();
      await tick();
      expect(subscriptionsOn(link)).toStrictEqual(['SUBSCRIBE a', 'SUBSCRIBE b', 'UNSUBSCRIBE a']);
    },
  );

  it('in RESP2 asks again for what was refused for the moment behind new credentials', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const { own, first } = await inResp2({ credentials: tokens$ });
    tokens$.next({ password: 'two' });
    await tick();
    own.receive(inArray('unsubscribe', 'a'));
    await tick();
    own.receive('+OK\r\n');
    await tick();
    expect(commandsOf(own).slice(-3)).toStrictEqual(['UNSUBSCRIBE a', 'AUTH two', 'SUBSCRIBE a']);
    own.receive('-LOADING Redis is loading the dataset in memory\r\n');
    await until(() => commandsOf(own).length === 8);
    expect(commandsOf(own).at(-1)).toBe('SUBSCRIBE a');
    own.receive(inArray('subscribe', 'a'));
    own.receive('*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$5\r\nalive\r\n');
    expect(first.values).toHaveLength(1);
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
    own.receive(inArray('subscribe', 'b') + inArray('unsubscribe', 'b') + inArray('unsubscribe', 'a'));
    await tick();
    own.receive('+OK\r\n');
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
    own.receive(inArray('subscribe', 'b') + inArray('unsubscribe', 'a') + inArray('unsubscribe', 'b'));
    await tick();
    own.receive('+OK\r\n');
    await tick();
    expect(commandsOf(own).slice(-3)).toStrictEqual(['SUBSCRIBE b', 'UNSUBSCRIBE a b', 'AUTH two']);
  });

  describe('has nothing left to do when the client is destroyed', () => {
    const LOADING = '-LOADING Redis is loading the dataset in memory\r\n';

    it.each([2, 3] as const)('after a channel was refused for the moment in RESP%d', async (protocol) => {
      const clock = new VirtualClock();
      const { pubsub, connection, link } = await onCarrier({ protocol }, clock);
      record(pubsub.messages('channel', ['b']));
      await tick();
      link.receive(LOADING);
      connection.destroy();
      expect(clock.waiting).toBe(0);
    });

    it('after the last Observer has left', async () => {
      const clock = new VirtualClock();
      const { connection, first } = await onCarrier({}, clock);
      first.stop();
      await tick();
      connection.destroy();
      expect(clock.waiting).toBe(0);
    });
  });

  it('fails its Observers when the credentials are refused', async () => {
    const { pubsub, carried } = set();
    const observer = record(pubsub.messages('channel', ['a']));
    await tick();
    carried[0]!.receive('-WRONGPASS no\r\n+OK\r\n+OK\r\n');
    expect(observer.ended).toMatchObject({ code: 'AUTHENTICATION' });
  });

  it('delivers to the Observers that follow one that lets an error out', async () => {
    const { pubsub, link } = await onCarrier();
    const { Subscriber, config } = await import('rxjs');
    const reported: unknown[] = [];
    config.onUnhandledError = (error) => reported.push(error);
    class Bare extends Subscriber<unknown> {
      override next(): void {
        throw new Error('careless');
      }
    }
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

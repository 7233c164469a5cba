import { BehaviorSubject } from 'rxjs';
import { confirmed, inArray, left, pushed, subscriptionsOn, useCarriers } from '../../support/carrier';
import { record } from '../../support/clients';
import { commandsOf, lose, tick } from '../../support/scripted-link';
import { VirtualClock } from '../../support/virtual-clock';

/** What the specs know of the sizes: a command takes a thousand names. */
const MANY = Array.from({ length: 1_500 }, (_, n) => `n${n}`);

describe('The connection for messages', () => {
  const { set, onCarrier } = useCarriers();

  it('closes some time after the last Observer has left, and opens again for the next', async () => {
    const clock = new VirtualClock();
    const { pubsub, carried, carrierGreeted, link, first } = await onCarrier({}, clock);
    first.stop();
    await tick();
    link.receive(left('a'));
    clock.advance(3_000);
    const again = record(pubsub.messages('channel', ['b']));
    await tick();
    link.receive(confirmed('b'));
    clock.advance(60_000);
    expect(link.destroyed).toBe(false);
    again.stop();
    await tick();
    clock.advance(4_999);
    expect(link.destroyed).toBe(false);
    clock.advance(1);
    expect(link.destroyed).toBe(true);
    record(pubsub.messages('channel', ['c']));
    const second = await carrierGreeted();
    expect([carried.length, subscriptionsOn(second)]).toStrictEqual([2, ['SUBSCRIBE c']]);
  });

  it('is not made again after a loss when nothing is observed', async () => {
    const { carried, link, first } = await onCarrier();
    first.stop();
    await tick();
    lose(link);
    await tick();
    await tick();
    expect(carried).toHaveLength(1);
  });

  describe('while it is lost', () => {
    const reconnect = { initialDelay: 100, factor: 10, maxDelay: 20_000, maxDelayWaiting: 500, jitter: 0 };

    it('is tried again no later than maxDelayWaiting, for something is observed', async () => {
      const clock = new VirtualClock();
      const { carried, link } = await onCarrier({ reconnect }, clock);
      lose(link);
      for (const [n, delay] of [100, 500, 500, 500].entries()) {
        clock.advance(delay - 1);
        expect(carried).toHaveLength(n + 1);
        clock.advance(1);
        expect(carried).toHaveLength(n + 2);
        if (n < 3) lose(carried.at(-1)!);
      }
    });

    it('is tried again as soon for Observers that come meanwhile, and for none no more', async () => {
      const clock = new VirtualClock();
      const { pubsub, carried, link, first } = await onCarrier({ reconnect }, clock);
      lose(link);
      clock.advance(100);
      lose(carried[1]!);
      first.stop();
      const second = record(pubsub.messages('channel', ['b']));
      clock.advance(500);
      expect(carried).toHaveLength(3);
      lose(carried[2]!);
      second.stop();
      clock.advance(500);
      lose(carried[3]!);
      clock.advance(60_000);
      expect(carried).toHaveLength(4);
      record(pubsub.messages('channel', ['c']));
      expect(carried).toHaveLength(5);
      lose(carried[4]!);
      clock.advance(100);
      lose(carried[5]!);
      clock.advance(500);
      expect(carried).toHaveLength(7);
    });
  });

  it('may speak RESP2 on one link and RESP3 on the next', async () => {
    const { pubsub, carried, carrierGreeted } = set();
    const { values } = record(pubsub.messages('channel', ['a']));
    await tick();
    carried[0]!.receive("-ERR unknown command 'HELLO'\r\n+OK\r\n+OK\r\n");
    await tick();
    carried[0]!.receive(inArray('subscribe', 'a') + '*3\r\n+message\r\n+a\r\n+one\r\n');
    lose(carried[0]!);
    while (carried.length < 2) await tick();
    const second = await carrierGreeted();
    second.receive(confirmed('a') + '>3\r\n+message\r\n+a\r\n+two\r\n');
    expect(values.map(({ data }) => data)).toStrictEqual(['one', 'two']);
  });

  it('takes a confirmation of another kind or channel for news', async () => {
    const { pubsub, link, first } = await onCarrier();
    record(pubsub.messages('pattern', ['b']));
    const refused = record(pubsub.messages('channel', ['c']));
    await tick();
    const asked = subscriptionsOn(link).slice(1);
    expect(asked).toStrictEqual(['SUBSCRIBE c', 'PSUBSCRIBE b']);
    link.receive(confirmed('b') + pushed('psubscribe', 'c') + left('c') + confirmed('a'));
    link.receive('-NOPERM not that one\r\n' + pushed('psubscribe', 'b'));
    link.receive('>3\r\n+message\r\n+a\r\n+alive\r\n');
    expect([refused.ended, first.values]).toMatchObject([{ kind: 'NOPERM' }, [{ data: 'alive' }]]);
  });

  it('asks for many names in portions, and for those that come meanwhile behind them', async () => {
    const { pubsub, link } = await onCarrier();
    record(pubsub.messages('channel', MANY));
    await tick();
    record(pubsub.messages('channel', ['late']));
    await tick();
    expect(subscriptionsOn(link)).toHaveLength(2);
    link.receive(MANY.slice(0, 1_000).map(confirmed).join(''));
    await tick();
    expect(subscriptionsOn(link)).toHaveLength(3);
    link.receive(MANY.slice(1_000).map(confirmed).join(''));
    await tick();
    expect(subscriptionsOn(link).at(-1)).toBe('SUBSCRIBE late');
  });

  it('asks for long names in portions of 64 KiB, and for one that is longer alone', async () => {
    const { pubsub, link } = await onCarrier();
    const long = Array.from({ length: 12 }, (_, n) => String(n).padStart(20_000, 'x'));
    const names = [...long, 'y'.repeat(100_000), 'z'];
    record(pubsub.messages('channel', names));
    const asked: number[][] = [];
    let written = 1;
    let confirmedNames = 0;
    while (confirmedNames < names.length) {
      await tick();
      const commands = subscriptionsOn(link).slice(written);
      written += commands.length;
      expect(commands).toHaveLength(1);
      const portion = commands[0]!.split(' ').slice(1);
      asked.push(portion.map(({ length }) => length));
      confirmedNames += portion.length;
      link.receive(portion.map(confirmed).join(''));
    }
    const three = Array(3).fill(20_000);
    expect(asked).toStrictEqual([three, three, three, three, [100_000], [1]]);
  });

  it('in RESP2 also while it asks for many names behind new credentials', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const { pubsub, link } = await onCarrier({ protocol: 2, credentials: tokens$ });
    const inArrays = (kind: string, names: string[]) => names.map((name) => inArray(kind, name)).join('');
    record(pubsub.messages('channel', MANY));
    await tick();
    link.receive(inArrays('subscribe', MANY.slice(0, 1_000)));
    await tick();
    link.receive(inArrays('subscribe', MANY.slice(1_000)));
    await tick();
    tokens$.next({ password: 'two' });
    await tick();
    const names = ['a', ...MANY];
    link.receive(inArrays('unsubscribe', names.slice(0, 1_000)));
    await tick();
    link.receive(inArrays('unsubscribe', names.slice(1_000)));
    await tick();
    expect(commandsOf(link).at(-1)).toBe('AUTH two');
    link.receive('+OK\r\n');
    await tick();
    record(pubsub.messages('channel', ['late']));
    await tick();
    link.receive(inArrays('subscribe', names.slice(0, 1_000)));
    await tick();
    link.receive(inArrays('subscribe', names.slice(1_000)));
    await tick();
    expect(subscriptionsOn(link).at(-1)).toBe('SUBSCRIBE late');
  });

  it('in RESP2 leaves many names in portions for new credentials, and asks for nothing before it is signed in', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const { pubsub, link } = await onCarrier({ protocol: 2, credentials: tokens$ });
    const inArrays = (kind: string, names: string[]) => names.map((name) => inArray(kind, name)).join('');
    const written = () => commandsOf(link).map((command) => command.split(' ').slice(0, 2).join(' '));
    const names = ['a', ...MANY];
    record(pubsub.messages('channel', MANY));
    await tick();
    link.receive(inArrays('subscribe', names.slice(1, 1_001)));
    await tick();
    link.receive(inArrays('subscribe', names.slice(1_001)));
    await tick();
    const before = written().length;
    tokens$.next({ password: 'two' });
    await tick();
    record(pubsub.messages('channel', ['late']));
    await tick();
    expect(written().slice(before)).toStrictEqual(['UNSUBSCRIBE a']);
    link.receive(inArrays('unsubscribe', names.slice(0, 1_000)));
    await tick();
    expect(written().slice(before)).toStrictEqual(['UNSUBSCRIBE a', 'UNSUBSCRIBE n999']);
    link.receive(inArrays('unsubscribe', names.slice(1_000)));
    await tick();
    record(pubsub.messages('channel', ['later']));
    await tick();
    expect(written().slice(before + 2)).toStrictEqual(['AUTH two']);
    link.receive('+OK\r\n');
    await tick();
    expect(written().slice(before + 3)).toStrictEqual(['SUBSCRIBE a']);
    link.receive(inArrays('subscribe', names.slice(0, 1_000)));
    await tick();
    link.receive(inArrays('subscribe', [...names.slice(1_000), 'late', 'later']));
    await tick();
    expect(written()).toHaveLength(before + 5);
    link.receive('*3\r\n$7\r\nmessage\r\n$5\r\nlater\r\n$1\r\nx\r\n');
    expect(link.destroyed).toBe(false);
  });

  it('in RESP2 that leaves names for new credentials and is lost asks for all of them on the next link', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const { pubsub, carrierGreeted, link } = await onCarrier({ protocol: 2, credentials: tokens$ });
    tokens$.next({ password: 'two' });
    await tick();
    lose(link);
    const next = await carrierGreeted();
    expect(subscriptionsOn(next)).toStrictEqual(['SUBSCRIBE a']);
    next.receive(inArray('subscribe', 'a'));
    await tick();
    record(pubsub.messages('channel', ['b']));
    await tick();
    expect(subscriptionsOn(next)).toStrictEqual(['SUBSCRIBE a', 'SUBSCRIBE b']);
  });
});

describe('The connection for messages, when a reply has told the commands of the wrong server', () => {
  const { set } = useCarriers();
  const READONLY = "-READONLY You can't write against a read only replica.\r\n";

  /** The commands leave their link for another. */
  const failOver = async ({ links, greeted, send }: ReturnType<typeof set>) => {
    record(send('SET', 'k', 'v'));
    await tick();
    links[0]!.receive(READONLY);
    await greeted();
  };

  it('leaves the server also while it is being greeted there', async () => {
    const scripted = set();
    const { carried, pubsub, greeted, carrierGreeted } = scripted;
    record(pubsub.messages('channel', ['a']));
    await greeted();
    expect(carried).toHaveLength(1);
    await failOver(scripted);
    while (carried.length < 2) await tick();
    expect(carried[0]!.destroyed).toBe(true);
    const second = await carrierGreeted();
    expect(subscriptionsOn(second)).toStrictEqual(['SUBSCRIBE a']);
  });
});

describe('What is published', () => {
  const { set, onCarrier } = useCarriers();
  const published = (commands: string[]) => commands.filter((command) => command.startsWith('PUBLISH'));

  it('waits for subscriptions that were made before it, and others pass it meanwhile', async () => {
    const { pubsub, publish, send, greeted, carrierGreeted } = set();
    record(pubsub.messages('channel', ['a']));
    record(publish('a', '1'));
    record(send('ECHO', 'x'));
    const main = await greeted();
    expect(commandsOf(main).at(-1)).toBe('ECHO x');
    const carrier = await carrierGreeted();
    record(publish('a', '2'));
    carrier.receive(confirmed('a'));
    record(publish('a', '3'));
    await tick();
    expect(published(commandsOf(main))).toStrictEqual(['PUBLISH a 1', 'PUBLISH a 2', 'PUBLISH a 3']);
  });

  it('waits a second at the most', async () => {
    const clock = new VirtualClock();
    const { pubsub, publish, greeted, link } = await onCarrier({}, clock);
    const main = await greeted();
    record(pubsub.messages('channel', ['b']));
    record(publish('b', '1'));
    await tick();
    expect(subscriptionsOn(link).at(-1)).toBe('SUBSCRIBE b');
    clock.advance(999);
    await tick();
    expect(published(commandsOf(main))).toStrictEqual([]);
    clock.advance(1);
    await tick();
    expect(published(commandsOf(main))).toStrictEqual(['PUBLISH b 1']);
  });

  it('waits a quarter of its own time at the most, so that it does not fail for a subscription', async () => {
    const clock = new VirtualClock();
    const { publish, greeted, pubsub } = await onCarrier({ commandTimeout: 400 }, clock);
    const main = await greeted();
    record(pubsub.messages('channel', ['b']));
    const answered = record(publish('b', '1'));
    clock.advance(99);
    await tick();
    expect(published(commandsOf(main))).toStrictEqual([]);
    clock.advance(1);
    await tick();
    expect(published(commandsOf(main))).toStrictEqual(['PUBLISH b 1']);
    main.receive(':0\r\n');
    expect(answered).toMatchObject({ values: [0], ended: 'complete' });
  });

  it('takes along what was called before it and may wait longer', async () => {
    const clock = new VirtualClock();
    const { publish, greeted, pubsub, connection } = await onCarrier({}, clock);
    const main = await greeted();
    record(pubsub.messages('channel', ['b']));
    const others = [
      [5_000, 0],
      [400, 50],
      [5_000, 10],
      [400, 40],
      [40, 30],
    ] as const;
    for (const [n, [commandTimeout, pause]] of others.entries()) {
      record(publish('b', String(n), commandTimeout));
      clock.advance(pause);
    }
    await tick();
    expect(published(commandsOf(main))).toStrictEqual([0, 1, 2, 3, 4].map((n) => `PUBLISH b ${n}`));
    record(publish('b', '5', 5_000));
    clock.advance(900);
    await tick();
    expect(published(commandsOf(main))).toHaveLength(5);
    record(publish('b', '6', 80));
    connection.destroy();
    expect(clock.waiting).toBe(0);
  });

  it('is let out by close(), whatever its own time', async () => {
    const clock = new VirtualClock();
    const { publish, greeted, pubsub, connection } = await onCarrier({ commandTimeout: 400 }, clock);
    const main = await greeted();
    record(pubsub.messages('channel', ['b']));
    const answered = record(publish('b', '1', 60_000));
    const closed = record(connection.close());
    clock.advance(399);
    await tick();
    expect(published(commandsOf(main))).toStrictEqual(['PUBLISH b 1']);
    main.receive(':0\r\n');
    clock.advance(1);
    expect([answered.values, closed.ended]).toStrictEqual([[0], 'complete']);
  });

  it('does not wait for a connection that is lost, nor when its subscriber has left', async () => {
    const { pubsub, publish, greeted, link } = await onCarrier({ reconnect: { initialDelay: 60_000 } });
    const main = await greeted();
    record(pubsub.messages('channel', ['b']));
    record(publish('b', '1'));
    record(publish('b', '2')).stop();
    await tick();
    lose(link);
    record(publish('b', '3'));
    await tick();
    expect(published(commandsOf(main))).toStrictEqual(['PUBLISH b 1', 'PUBLISH b 3']);
  });
});

import { useCarriers, left, pushed, subscriptionsOn } from '../../support/carrier';
import { record } from '../../support/clients';
import { commandsOf, lose, tick } from '../../support/scripted-link';
import { VirtualClock } from '../../support/virtual-clock';

const message = (channel: string, data: string) => `>3\r\n+message\r\n+${channel}\r\n+${data}\r\n`;

describe('A subscription whose last Observer has left', () => {
  const { onCarrier } = useCarriers();

  const setUp = async () => {
    const clock = new VirtualClock();
    const carrier = await onCarrier({}, clock, 'channel', 100);
    const pass = async (ms: number) => {
      clock.advance(ms);
      await tick();
    };
    return { ...carrier, pass };
  };

  it('costs nothing when another comes within 100 ms, again and again', async () => {
    const { pubsub, link, first, pass } = await setUp();
    first.stop();
    for (let round = 0; round < 20; round++) {
      await pass(99);
      record(pubsub.messages('channel', ['a'])).stop();
    }
    await pass(99);
    const last = record(pubsub.messages('channel', ['a']));
    await pass(5_000);
    link.receive(message('a', 'there'));
    expect(last.values).toMatchObject([{ data: 'there' }]);
    expect(subscriptionsOn(link)).toStrictEqual(['SUBSCRIBE a']);
  });

  it('is ended 100 ms later, each at its own time', async () => {
    const { pubsub, link, first, pass } = await setUp();
    const second = record(pubsub.messages('channel', ['b']));
    await tick();
    link.receive(pushed('subscribe', 'b'));
    first.stop();
    await pass(60);
    second.stop();
    await pass(40);
    expect(subscriptionsOn(link).slice(2)).toStrictEqual(['UNSUBSCRIBE a']);
    await pass(59);
    expect(subscriptionsOn(link).slice(2)).toStrictEqual(['UNSUBSCRIBE a']);
    await pass(1);
    expect(subscriptionsOn(link).slice(2)).toStrictEqual(['UNSUBSCRIBE a', 'UNSUBSCRIBE b']);
    link.receive(left('a') + left('b'));
    expect([...pubsub.holdings.values()].every((kept) => kept === 0)).toBe(true);
  });

  it('is not restored on the next link, and its timer ends with the client', async () => {
    const { pubsub, link, first, pass, carrierGreeted, connection } = await setUp();
    const second = record(pubsub.messages('channel', ['b']));
    await tick();
    link.receive(pushed('subscribe', 'b'));
    first.stop();
    lose(link);
    await pass(0);
    const next = await carrierGreeted();
    expect(subscriptionsOn(next)).toStrictEqual(['SUBSCRIBE b']);
    next.receive(pushed('subscribe', 'b'));
    second.stop();
    connection.destroy();
    await pass(1_000);
    expect(subscriptionsOn(next)).toStrictEqual(['SUBSCRIBE b']);
    expect([...pubsub.holdings.values()].every((kept) => kept === 0)).toBe(true);
  });

  it.each(['destroyed', 'given up'] as const)(
    'leaves no timer when the client is %s while it is observed',
    async (how) => {
      const clock = new VirtualClock();
      const options = how === 'destroyed' ? {} : { reconnect: false as const };
      const { first, connection, link } = await onCarrier(options, clock, 'channel', 100);
      if (how === 'destroyed') connection.destroy();
      else lose(link);
      await tick();
      expect(first.ended).toBeDefined();
      connection.destroy();
      expect(clock.waiting).toBe(0);
    },
  );

  it('holds up nothing that is published when it was asked for among names of which one is refused', async () => {
    const { pubsub, link, pass, publish, greeted } = await setUp();
    const commands = await greeted();
    const idle = record(pubsub.messages('channel', ['b']));
    const refused = record(pubsub.messages('channel', ['forbidden']));
    const published = record(publish('a', 'x'));
    await tick();
    idle.stop();
    link.receive('-NOPERM not that one\r\n');
    await tick();
    expect(subscriptionsOn(link)).toStrictEqual(['SUBSCRIBE a', 'SUBSCRIBE b forbidden', 'SUBSCRIBE forbidden']);
    link.receive('-NOPERM not that one\r\n');
    await pass(0);
    expect(refused.ended).toMatchObject({ kind: 'NOPERM' });
    expect(commandsOf(commands).at(-1)).toBe('PUBLISH a x');
    commands.receive(':1\r\n');
    expect(published.values).toStrictEqual([1]);
    const again = record(pubsub.messages('channel', ['b']));
    await tick();
    link.receive(pushed('subscribe', 'b') + message('b', 'there'));
    expect(again.values).toMatchObject([{ data: 'there' }]);
  });
});

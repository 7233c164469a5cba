import { confirmed, subscriptionsOn, useCarriers } from '../../support/carrier';
import { record } from '../../support/clients';
import { tick } from '../../support/scripted-link';
import type { ScriptedSocket } from '../../support/scripted-socket';

const receive = (link: ScriptedSocket, bytes: string) => link.bytes$.next(Buffer.from(bytes, 'latin1'));

const inBulk = (kind: string, name: string) => `>3\r\n+${kind}\r\n$${name.length}\r\n${name}\r\n:1\r\n`;

describe('Names of channels', () => {
  const { onCarrier } = useCarriers();

  it('that are no UTF-8 are told apart, and known again when they are left', async () => {
    const { pubsub, link } = await onCarrier();
    const one = record(pubsub.messagesAsBytes('channel', [Buffer.from([0xff])]));
    const other = record(pubsub.messages('channel', [Buffer.from([0xfe])]));
    await tick();
    receive(link, inBulk('subscribe', '\xff') + inBulk('subscribe', '\xfe'));
    receive(link, '>3\r\n$7\r\nmessage\r\n$1\r\n\xff\r\n$1\r\nx\r\n');
    expect([one.values, other.values]).toMatchObject([[{ channel: Buffer.from([0xff]) }], []]);
    one.stop();
    other.stop();
    await tick();
    receive(link, inBulk('unsubscribe', '\xff') + inBulk('unsubscribe', '\xfe'));
    record(pubsub.messages('channel', ['b']));
    await tick();
    link.receive('-NOPERM not that one\r\n');
    expect([...pubsub.holdings.values()].reduce((sum, kept) => sum + kept)).toBe(2); // `a`, observed and asked for
  });

  it('hold U+FFFD for what UTF-8 cannot express', async () => {
    const { pubsub, link } = await onCarrier();
    const half = record(pubsub.messages('channel', ['x\uD800']));
    await tick();
    link.receive(confirmed('x\uFFFD'));
    link.receive('>3\r\n+message\r\n+x\uFFFD\r\n+m\r\n');
    expect(half.values).toHaveLength(1);
    expect(subscriptionsOn(link).at(-1)).toBe('SUBSCRIBE x\uFFFD');
    record(pubsub.messages('channel', ['\uD800x', '\uFFFDx']));
    await tick();
    expect(subscriptionsOn(link).at(-1)).toBe('SUBSCRIBE \uFFFDx');
  });
});

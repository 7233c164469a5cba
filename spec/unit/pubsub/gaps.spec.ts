import type { Message, Notice } from 'rxjs-redis';
import { confirmed, left, useCarriers } from '../../support/carrier';
import { record } from '../../support/clients';
import { lose, tick } from '../../support/scripted-link';

const message = (data: string) => `>3\r\n+message\r\n+a\r\n+${data}\r\n`;
const short = (items: readonly (Message | Notice)[]) => items.map((item) => ('data' in item ? item.data : item.type));

describe('An Observer with gaps', () => {
  const { onCarrier } = useCarriers();

  it('is given nothing of an earlier subscription of the same name, before its own is confirmed', async () => {
    const { pubsub, link, first } = await onCarrier();
    first.stop();
    await tick();
    const withGaps = record(pubsub.messages('channel', ['a'], true));
    const without = record(pubsub.messages('channel', ['a']));
    await tick();
    link.receive(message('1') + left('a') + confirmed('a') + message('2'));
    expect(short(withGaps.values)).toStrictEqual(['subscribed', '2']);
    expect(short(without.values)).toStrictEqual(['1', '2']);
  });

  it('is told why it ends before it was told of a confirmation', async () => {
    const { pubsub, link } = await onCarrier({ reconnect: false });
    const pending = record(pubsub.messages('channel', ['b'], true));
    const refused = record(pubsub.messages('channel', ['c'], true));
    await tick();
    link.receive('-NOPERM not that one\r\n');
    await tick();
    link.receive('-NOPERM not that one\r\n');
    expect(pending.ended).toMatchObject({ kind: 'NOPERM' });
    expect(refused.ended).toBeUndefined();
    lose(link);
    await tick();
    expect(refused.ended).toMatchObject({ name: 'ConnectionError' });
  });

  it('leaves by itself, whether it was told of a confirmation or not', async () => {
    const { pubsub, link, first } = await onCarrier();
    const told = record(pubsub.messages('channel', ['a'], true));
    const untold = record(pubsub.messages('channel', ['b'], true));
    first.stop();
    await tick();
    expect(short(told.values)).toStrictEqual(['subscribed']);
    told.stop();
    untold.stop();
    await tick();
    link.receive(confirmed('b') + left('a') + left('b'));
    expect([...pubsub.holdings.values()].every((kept) => kept === 0)).toBe(true);
  });
});

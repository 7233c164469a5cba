import { BehaviorSubject } from 'rxjs';
import { inArray, pushed, subscriptionsOn, useCarriers } from '../../support/carrier';
import { record } from '../../support/clients';
import { commandsOf, greet, lose, tick } from '../../support/scripted-link';
import { VirtualClock } from '../../support/virtual-clock';

const MOVED = '-MOVED 15495 127.0.0.1:7001\r\n';
const message = (channel: string, data: string) => `>3\r\n+smessage\r\n+${channel}\r\n+${data}\r\n`;

describe('A shard subscription that the server takes away', () => {
  const { onCarrier } = useCarriers();

  const set = async (options = {}) => {
    const clock = new VirtualClock();
    const scripted = await onCarrier(options, clock, 'shard');
    const pass = async (ms: number) => {
      clock.advance(ms);
      await tick();
    };
    const asked = () => subscriptionsOn(scripted.link).filter((command) => command === 'SSUBSCRIBE a').length;
    return { ...scripted, clock, pass, asked };
  };

  it('is asked for again, and its Observers go on', async () => {
    const { pubsub, link, first, pass, asked } = await set();
    link.receive(pushed('sunsubscribe', 'a'));
    const later = record(pubsub.messages('shard', ['a']));
    await pass(100);
    expect(asked()).toBe(2);
    link.receive(pushed('ssubscribe', 'a') + message('a', 'back'));
    expect([first.values, later.values]).toMatchObject([[{ data: 'back' }], [{ data: 'back' }]]);
    await pass(60_000);
    expect(asked()).toBe(2);
  });

  it('is asked for with growing delays while the server refuses, until the time for a command is over', async () => {
    const { link, first, pass, asked, clock, pubsub } = await set({ commandTimeout: 10_000 });
    link.receive(pushed('sunsubscribe', 'a'));
    const times: number[] = [];
    const begin = clock.now();
    while (first.ended === undefined && clock.now() - begin < 60_000) {
      const before = asked();
      await pass(1);
      if (asked() === before) continue;
      times.push(clock.now() - begin);
      link.receive(MOVED);
    }
    expect(first.ended).toMatchObject({ code: 'REPLY', kind: 'MOVED', command: 'SSUBSCRIBE' });
    const delays = times.map((time, n) => time - (times[n - 1] ?? 0));
    expect(delays[0]).toBeLessThanOrEqual(100);
    expect(Math.max(...delays)).toBeGreaterThan(1_000);
    expect(Math.max(...delays)).toBeLessThanOrEqual(2_000);
    expect(times.at(-1)).toBe(10_000);
    expect([...pubsub.holdings.values()].every((kept) => kept === 0)).toBe(true);
  });

  it('is not asked for when its Observers have left', async () => {
    const { link, first, pass, asked, pubsub } = await set();
    link.receive(pushed('sunsubscribe', 'a'));
    first.stop();
    await pass(4_000);
    expect(asked()).toBe(1);
    expect(subscriptionsOn(link)).toStrictEqual(['SSUBSCRIBE a']);
    expect([...pubsub.holdings.values()].every((kept) => kept === 0)).toBe(true);
  });

  it('while the link is lost is asked for with the same patience', async () => {
    const { link, first, pass, carrierGreeted, clock } = await set({ reconnect: { initialDelay: 1 } });
    lose(link);
    clock.advance(1);
    const second = await carrierGreeted();
    second.receive(MOVED);
    await pass(100);
    expect(subscriptionsOn(second)).toStrictEqual(['SSUBSCRIBE a', 'SSUBSCRIBE a']);
    second.receive(pushed('ssubscribe', 'a') + message('a', 'back'));
    expect([first.values, first.ended]).toMatchObject([[{ data: 'back' }], undefined] as object);
  });

  it('is not asked for by a link that is signing in', async () => {
    const { link, first, pass, carried, clock } = await set({ reconnect: { initialDelay: 1 } });
    link.receive(pushed('sunsubscribe', 'a'));
    lose(link);
    clock.advance(1);
    await tick();
    const second = carried.at(-1)!;
    const greeting = commandsOf(second);
    await pass(1_000);
    expect(second).not.toBe(link);
    expect(commandsOf(second)).toStrictEqual(greeting);
    await greet(second);
    expect(subscriptionsOn(second)).toStrictEqual(['SSUBSCRIBE a']);
    second.receive(pushed('ssubscribe', 'a') + message('a', 'back'));
    expect(first.values).toMatchObject([{ data: 'back' }]);
  });

  it('and whose slot no server has keeps no other subscription from coming back', async () => {
    const { pubsub, link, first, pass, carrierGreeted, clock } = await set({ reconnect: { initialDelay: 1 } });
    const other = record(pubsub.messages('channel', ['c']));
    await tick();
    link.receive(pushed('subscribe', 'c'));
    lose(link);
    clock.advance(1);
    const second = await carrierGreeted();
    expect(subscriptionsOn(second)).toStrictEqual(['SUBSCRIBE c', 'SSUBSCRIBE a']);
    second.receive(pushed('subscribe', 'c') + '-CLUSTERDOWN Hash slot not served\r\n');
    second.receive('>3\r\n+message\r\n+c\r\n+x\r\n');
    expect(other.values).toHaveLength(1);
    await pass(100);
    expect([second.destroyed, subscriptionsOn(second).at(-1)]).toStrictEqual([false, 'SSUBSCRIBE a']);
    second.receive(pushed('ssubscribe', 'a') + message('a', 'back'));
    expect(first.values).toHaveLength(1);
  });

  it('while it is left for new credentials in RESP2 keeps these from no reply of their own', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const errors: unknown[] = [];
    const { link, connection } = await set({ protocol: 2, credentials: tokens$ });
    connection.events$.subscribe((event) => {
      if (event.type === 'error') errors.push(event.error);
    });
    tokens$.next({ password: 'two' });
    await tick();
    link.receive(inArray('sunsubscribe', 'a') + MOVED);
    await tick();
    expect(commandsOf(link).slice(-2)).toStrictEqual(['SUNSUBSCRIBE a', 'PING']);
    link.receive('+PONG\r\n');
    await tick();
    expect(commandsOf(link).at(-1)).toBe('AUTH two');
    link.receive('+OK\r\n');
    await tick();
    expect([commandsOf(link).at(-1), errors]).toStrictEqual(['SSUBSCRIBE a', []]);
  });

  it('is not asked for when its Observers have left in the tick before', async () => {
    const { link, first, pass, asked, pubsub } = await set();
    first.stop();
    link.receive(pushed('sunsubscribe', 'a'));
    await pass(60_000);
    expect([asked(), pubsub.holdings.get('names of the kind shard')]).toStrictEqual([1, 0]);
  });

  it('while it is left for new credentials in RESP2 is not asked for before they are sent, though its Observers leave', async () => {
    const tokens$ = new BehaviorSubject({ password: 'one' });
    const { link, first, pass } = await set({ protocol: 2, credentials: tokens$ });
    tokens$.next({ password: 'two' });
    await tick();
    first.stop();
    // The server takes it away, which looks like the confirmation, and confirms it then.
    link.receive(inArray('sunsubscribe', 'a').repeat(2));
    await pass(100);
    expect(commandsOf(link).slice(-2)).toStrictEqual(['SUNSUBSCRIBE a', 'PING']);
    link.receive('+PONG\r\n');
    await tick();
    link.receive('+OK\r\n');
    await pass(100);
    expect(commandsOf(link).at(-1)).toBe('AUTH two');
  });

  it('is asked for at once by an Observer that comes after the others have left', async () => {
    const { pubsub, link, first, pass, asked } = await set();
    link.receive(pushed('sunsubscribe', 'a'));
    first.stop();
    const next = record(pubsub.messages('shard', ['a']));
    await tick();
    expect(asked()).toBe(2);
    link.receive(pushed('ssubscribe', 'a') + message('a', 'back'));
    expect(next.values).toMatchObject([{ data: 'back' }]);
    await pass(60_000);
    expect(asked()).toBe(2);
  });

  it.each([
    MOVED,
    '-ASK 15495 127.0.0.1:7001\r\n',
    '-TRYAGAIN Multiple keys request during rehashing of slot\r\n',
    "-CROSSSLOT Keys in request don't hash to the same slot\r\n",
    '-CLUSTERDOWN Hash slot not served\r\n',
  ])('while it is being left answers that with %j, which no other command gets', async (refusal) => {
    const { pubsub, link, first } = await set();
    first.stop();
    await tick();
    expect(commandsOf(link).slice(-2)).toStrictEqual(['SUNSUBSCRIBE a', 'PING']);
    const other = record(pubsub.messages('channel', ['b']));
    const pattern = record(pubsub.messages('pattern', ['c']));
    await tick();
    link.receive(pushed('sunsubscribe', 'a') + refusal + '+PONG\r\n');
    link.receive('-NOPERM not that one\r\n' + pushed('psubscribe', 'c'));
    expect([other.ended, pattern.ended]).toMatchObject([{ kind: 'NOPERM' }, undefined] as object);
    expect(link.destroyed).toBe(false);
    expect(pubsub.holdings.get('names of the kind shard')).toBe(0);
  });

  it('while it is being left and wanted again is not lost', async () => {
    const { pubsub, link, first, pass } = await set();
    first.stop();
    await tick();
    const again = record(pubsub.messages('shard', ['a']));
    await tick();
    expect(subscriptionsOn(link)).toStrictEqual(['SSUBSCRIBE a', 'SUNSUBSCRIBE a', 'SSUBSCRIBE a']);
    // Redis 8.6 confirms what it took away by itself.
    link.receive(pushed('sunsubscribe', 'a').repeat(2) + '+PONG\r\n' + pushed('ssubscribe', 'a') + message('a', 'x'));
    await pass(60_000);
    expect(again.values).toHaveLength(1);
    expect(subscriptionsOn(link)).toHaveLength(3);
  });
});

describe('A subscription that was left and asked for again', () => {
  const { onCarrier } = useCarriers();

  it('does not fail by the refusal of the first', async () => {
    const { pubsub, link } = await onCarrier();
    const first = record(pubsub.messages('shard', ['x']));
    await tick();
    first.stop();
    await tick();
    const again = record(pubsub.messages('shard', ['x']));
    await tick();
    expect(subscriptionsOn(link).slice(1)).toStrictEqual(['SSUBSCRIBE x', 'SUNSUBSCRIBE x', 'SSUBSCRIBE x']);
    link.receive(MOVED + MOVED + '+PONG\r\n' + pushed('ssubscribe', 'x') + message('x', 'there'));
    expect(again).toMatchObject({ values: [{ data: 'there' }], ended: undefined });
    again.stop();
    await tick();
    expect(subscriptionsOn(link).at(-1)).toBe('SUNSUBSCRIBE x');
  });
});

describe('Shard channels of several slots', () => {
  const { onCarrier } = useCarriers();

  it('are joined and left with one command a slot', async () => {
    const { pubsub, link } = await onCarrier();
    const all = record(pubsub.messages('shard', ['x', '{x}y', 'z']));
    await tick();
    expect(subscriptionsOn(link).slice(1)).toStrictEqual(['SSUBSCRIBE x {x}y', 'SSUBSCRIBE z']);
    link.receive(['x', '{x}y', 'z'].map((name) => pushed('ssubscribe', name)).join(''));
    all.stop();
    await tick();
    expect(commandsOf(link).slice(-4)).toStrictEqual(['SUNSUBSCRIBE x {x}y', 'PING', 'SUNSUBSCRIBE z', 'PING']);
  });
});

import { get } from '../../../src/commands/generated/builders';
import { record } from '../../support/clients';
import { trackedClient } from '../../support/tracked-client';

const reads = (commands: readonly string[]) => commands.filter((command) => command.startsWith('GET')).length;

describe('A live query', () => {
  it.each(['default', 'optin', 'broadcast'] as const)(
    'is read one at a time, and once more where it was invalidated meanwhile, however often, in the mode %s',
    async (mode) => {
      const { redis, server, answer, pass, commands } = trackedClient({ cache: { mode } });
      const { values } = record(redis.live(get('k')));
      await answer();
      server.write('k');
      server.endTurn();
      server.deliver(Infinity);
      await pass(1); // the second read is under way
      expect(reads(commands())).toBe(2);
      for (let n = 0; n < 100; n++) {
        if (mode === 'broadcast') server.write('k');
        else server.flush();
        server.endTurn();
        server.deliver(Infinity);
        await pass(1);
      }
      expect(reads(commands())).toBe(2);
      await answer();
      expect([reads(commands()), values.at(-1)]).toStrictEqual([3, '101']);
      await redis.destroy();
    },
  );

  it('is read again when `sample` ms are over since it was read, not before, and once', async () => {
    const { redis, server, answer, pass, commands } = trackedClient({});
    const { values } = record(redis.live(get('k'), { sample: 100 }));
    const deliver = () => {
      server.endTurn();
      server.deliver(Infinity);
    };
    await answer();
    for (let passed = 0; passed < 99; passed++) {
      if (passed % 10 === 5) {
        server.write('k');
        deliver();
      }
      await pass(1);
      await answer();
      expect(reads(commands())).toBe(1);
    }
    await pass(1);
    await answer();
    expect([reads(commands()), values]).toStrictEqual([2, [null, '10']]);
    await pass(150);
    server.write('k');
    deliver();
    await answer();
    expect([reads(commands()), values]).toStrictEqual([3, [null, '10', '11']]);
    await redis.destroy();
  });

  it('stays for a moment when its last Observer has left: one that comes then has its value without a read', async () => {
    const { redis, server, answer, pass, commands } = trackedClient({});
    server.write('k');
    record(redis.live(get('k'))).stop();
    for (let n = 0; n < 5; n++) {
      const one = record(redis.live(get('k')));
      await answer();
      expect(one.values).toStrictEqual(['1']);
      one.stop();
      await pass(90);
    }
    expect(reads(commands())).toBe(1);
    await pass(20);
    const { values } = record(redis.live(get('k')));
    await answer();
    expect([reads(commands()), values]).toStrictEqual([2, ['1']]);
    await redis.destroy();
  });

  it('has the server track for a second more, so that a query that comes meanwhile needs not ask for it', async () => {
    const { redis, answer, pass, commands } = trackedClient({});
    const tracking = () => commands().flatMap((command) => /^CLIENT TRACKING (\w+)/.exec(command)?.[1] ?? []);
    for (const key of ['a', 'b', 'c']) {
      const one = record(redis.live(get(key)));
      await answer();
      expect(one.values).toStrictEqual([null]);
      one.stop();
      await pass(1_000);
      await answer();
    }
    expect(tracking()).toStrictEqual(['ON']);
    await pass(150);
    await answer();
    expect(tracking()).toStrictEqual(['ON', 'OFF']);
    await redis.destroy();
  });
});

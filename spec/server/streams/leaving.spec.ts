import type { Redis } from 'rxjs-redis';
import { xadd, xreadgroup } from 'rxjs-redis/commands';
import { eventually, record, useClients } from '../../support/clients';
import { useServer } from '../../support/server';
import { until } from '../../support/until';

describe('A consumer with a made up name that is left', () => {
  // CLIENT PAUSE holds back writes alone from 6.2 on.
  const server = useServer({ own: true }, '7.0');
  const make = useClients();
  const commands = async (admin: Redis) => (await admin.clientList()).map(({ cmd }) => String(cmd));

  it('does not take along what the server delivers to its name in that moment, for a connection that was lost', async () => {
    const admin = make(server().url);
    const redis = make(server().url);
    await admin.xadd('s', '1-0', { n: 1 });
    const progress = record(redis.consume('s', { group: 'g', from: '0' }, () => undefined));
    await until(() => progress.values.at(-1)?.handled === 1);
    await eventually(
      () => commands(admin),
      (cmds) => cmds.includes('xreadgroup'),
    );
    const { name } = (await admin.xinfoConsumers('s', 'g'))[0]!;
    await admin.clientPause(60_000, 'WRITE');
    // Written before the consumer leaves, and done as the pause ends: what it finds is delivered before its name can be given up.
    const other = make(server().url);
    const delivered = other.pipeline(xadd('s', '2-0', { n: 2 }), xreadgroup('g', name, { s: '>' }));
    const settled = delivered.then();
    await eventually(
      () => commands(admin),
      (cmds) => cmds.includes('xadd'),
    );
    progress.stop();
    await eventually(
      () => commands(admin),
      (cmds) => cmds.some((cmd) => cmd === 'eval' || cmd.startsWith('xgroup|delconsumer')),
    );
    await admin.clientUnpause();
    await settled;
    await redis.close();
    expect((await admin.xpending('s', 'g')).consumers).toStrictEqual([[name, 1]]);
  });
});

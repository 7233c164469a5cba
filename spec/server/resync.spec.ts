import { resync, type Message, type Notice, type Snapshot } from 'rxjs-redis';
import { concatMap, tap } from 'rxjs';
import { record, useClients } from '../support/clients';
import { useProxy, useServer } from '../support/server';
import { until } from '../support/until';

/** Counts a change, makes it and tells of it. */
const CHANGE = `
  local n = redis.call('HINCRBY', 'stock', 'changes', 1)
  redis.call('HSET', 'stock', 'f' .. (n % 7), n)
  return redis.call('PUBLISH', 'stock', n)`;

describe.each([3, 2] as const)('A copy that is kept by `resync`, in RESP%d', (protocol) => {
  const server = useServer();
  const proxy = useProxy(server);
  const make = useClients();

  /** A copy of a hash that a writer changes without a pause. */
  const follow = () => {
    const redis = make({ url: proxy().url(), protocol, reconnect: { initialDelay: 1, maxDelay: 20 } });
    const writer = make(server().url);
    const copy = new Map<string, string>();
    const told = { subscribed: 0, heard: 0, snapshots: 0, messages: 0, snapshotsThatMiss: 0, messagesThatMiss: 0 };
    let changes = 0;
    const take = (item: Message | Snapshot<Record<string, string>>): void => {
      if (item.type === 'snapshot') {
        const of = Number(item.value['changes'] ?? 0);
        if (of < changes) told.snapshotsThatMiss++;
        copy.clear();
        for (const [field, value] of Object.entries(item.value)) copy.set(field, value);
        changes = of;
        told.snapshots++;
        return;
      }
      told.messages++;
      const n = Number(item.data);
      if (n <= changes) return; // the snapshot has it
      if (n !== changes + 1) told.messagesThatMiss++;
      changes = n;
      copy.set('changes', item.data);
      copy.set(`f${n % 7}`, item.data);
    };
    /** Changes are heard of while the snapshot is being read. */
    const untilHeard = async <T>(snapshot: T): Promise<T> => {
      const { heard } = told;
      await until(() => told.heard > heard);
      return snapshot;
    };
    const stream = record(
      redis.subscribe('stock', { gaps: true }).pipe(
        tap(({ type }: Message | Notice) => {
          if (type === 'subscribed') told.subscribed++;
          if (type === 'message') told.heard++;
        }),
        resync(() => redis.hgetall('stock').pipe(concatMap(untilHeard))),
        tap(take),
      ),
    );
    let writes = true;
    const written = (async () => {
      while (writes) await writer.eval(CHANGE, [], []);
    })();
    /** After a cut. */
    const stop = async () => {
      const { snapshots } = told;
      await until(() => told.snapshots > snapshots);
      writes = false;
      await written;
      const now = await writer.hgetall('stock');
      await until(() => copy.get('changes') === now['changes']);
      expect(Object.fromEntries(copy)).toStrictEqual({ ...now });
      expect(told).toMatchObject({ snapshotsThatMiss: 0, messagesThatMiss: 0 });
      expect(stream.ended).toBeUndefined();
    };
    return { told, writer, stop };
  };

  it('misses no change over many cuts, and is right in the end', async () => {
    const { told, stop } = follow();
    for (let cut = 0; cut < 25; cut++) {
      const { snapshots, messages } = told;
      await until(() => told.snapshots > snapshots && told.messages > messages + cut);
      proxy().cut();
    }
    await stop();
  });

  it('misses no change where the line is cut while the snapshot is being read', async () => {
    const { told, stop } = follow();
    for (let cut = 0; cut < 25; cut++) {
      const { subscribed } = told;
      await until(() => told.subscribed > subscribed);
      proxy().cut();
    }
    await stop();
  });

  it('misses no change where the server ends the connection of messages alone', async () => {
    const { told, writer, stop } = follow();
    for (let cut = 0; cut < 25; cut++) {
      const { snapshots } = told;
      await until(() => told.snapshots > snapshots);
      await writer.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    }
    await stop();
  });
});

import { record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';
import { VirtualClock } from '../support/virtual-clock';
import { Room, type ChatEvent } from './programs/chat';

/** No run of this spec is that long; ms. */
const TTL = 3_600_000;

describe('The example of a chat', () => {
  const server = useServer({ own: true });
  const make = useClients();
  beforeEach(() => make(server().url).flushall());
  const said = (events: readonly ChatEvent[]) =>
    events.flatMap((event) => (event.type === 'said' ? [`${event.from}: ${event.text}`] : []));
  const present = (events: readonly ChatEvent[]) =>
    events.flatMap((event) => (event.type === 'present' ? [event.users.join(' ')] : [])).at(-1);

  it('has all that is said read in order by all who are there, and by those who come later', async () => {
    const [one, other] = [new Room(make(server().url), 'tea', TTL), new Room(make(server().url), 'tea', TTL)];
    const ann = record(one.join('ann'));
    await one.say('ann', 'hello');
    await other.say('bob', 'good morning');
    const bob = record(other.join('bob'));
    await one.say('ann', 'how are you?');
    const all = ['ann: hello', 'bob: good morning', 'ann: how are you?'];
    await until(() => said(ann.values).length === 3 && said(bob.values).length === 3);
    expect(said(ann.values)).toStrictEqual(all);
    expect(said(bob.values)).toStrictEqual(all);
    const last = bob.values.flatMap((event) => (event.type === 'said' ? [event.id] : [])).at(-1);
    bob.stop();
    await one.say('ann', 'bob?');
    const again = record(other.join('bob', last));
    await until(() => said(again.values).length === 1);
    expect(said(again.values)).toStrictEqual(['ann: bob?']);
  });

  it('tells who comes and who leaves, and misses nothing said while a connection is lost', async () => {
    const [redis, admin] = [make(server().url), make(server().url)];
    const [one, other] = [new Room(redis, 'tea', TTL), new Room(admin, 'tea', TTL)];
    const ann = record(one.join('ann'));
    await until(() => present(ann.values) === 'ann');
    const bob = record(other.join('bob'));
    await until(() => present(ann.values) === 'ann bob');
    await admin.clientKill({ SKIPME: true });
    await other.say('bob', 'still here');
    await until(() => said(ann.values).length === 1);
    bob.stop();
    await until(() => present(ann.values) === 'ann');
    expect(ann.ended).toBeUndefined();
  });

  it('forgets users whose process was killed', async () => {
    const redis = make(server().url);
    await redis.zadd('chat:{tea}:users', { cid: Date.now() - TTL / 2 });
    const clock = new VirtualClock();
    const ann = record(new Room(redis, 'tea', TTL, clock).join('ann'));
    await until(() => present(ann.values) === 'ann cid');
    await redis.zadd('chat:{tea}:users', { cid: Date.now() - TTL - 1 });
    clock.advance(TTL / 3);
    await until(() => present(ann.values) === 'ann');
    expect(await redis.zcard('chat:{tea}:users')).toBe(1);
  });
});

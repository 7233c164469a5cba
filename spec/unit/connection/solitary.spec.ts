import { auth, get } from 'rxjs-redis/commands';
import type { RedisOptions } from 'rxjs-redis';
import { commandsOf, greet, retryingConnection, tick } from '../../support/scripted-link';

/** A link that owes a reply, and AUTH waits for it. */
async function setUp(options: RedisOptions = {}) {
  const made = retryingConnection({ connectTimeout: 1_000, commandTimeout: 5_000, ...options });
  const { connection, links, send, replyTo } = made;
  connection.open();
  await tick();
  const link = await greet(links[0]!);
  const slow = send(get('slow'));
  await tick();
  const signIn = { ended: undefined as unknown };
  const subscription = replyTo(auth('ann', 'secret')).subscribe({ error: (error: unknown) => (signIn.ended = error) });
  const next = send(get('next'));
  await tick();
  const sent = () => commandsOf(link).slice(3);
  return { ...made, link, slow, signIn, next, sent, leave: () => subscription.unsubscribe() };
}

describe('AUTH that waits until nothing is owed', () => {
  it('costs a link that owes a reply for connectTimeout', async () => {
    const { link, pass } = await setUp();
    await pass(999);
    expect(link.destroyed).toBe(false);
    await pass(1);
    expect(link.destroyed).toBe(true);
  });

  it('takes no longer than a command may, and what was called behind it goes out then', async () => {
    const { link, pass, send, signIn, sent } = await setUp({ commandTimeout: 500 });
    await pass(400);
    send(get('later'));
    await pass(100);
    expect(signIn.ended).toMatchObject({ code: 'TIMEOUT', command: 'AUTH', delivery: 'unsent' });
    await pass(600);
    expect([link.destroyed, sent()]).toStrictEqual([false, ['GET slow', 'GET later']]);
  });

  it('costs no link once its observer has left, and what was called behind it goes out', async () => {
    const { link, pass, sent, leave } = await setUp();
    leave();
    await tick();
    expect(sent()).toStrictEqual(['GET slow', 'GET next']);
    await pass(1_500);
    expect(link.destroyed).toBe(false);
  });
});

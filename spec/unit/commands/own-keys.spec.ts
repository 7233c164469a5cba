import { get, randomkey } from 'rxjs-redis/commands';
import { Reply } from '../../../src/commands/reply';
import type { Request } from '../../../src/commands/request';
import { plainContext } from '../../../src/commands/request-context';
import { record } from '../../support/clients';
import { lose, scriptedConnection } from '../../support/scripted-link';

function asking(): { asked: Request[]; reply: Reply<string | null> } {
  const asked: Request[] = [];
  const executor = { submit: (request: Request) => void asked.push(request) };
  return { asked, reply: Reply.from({ ...plainContext, prefix: 'app:', executor }, randomkey()) };
}

describe('RANDOMKEY of a client with a prefix', () => {
  it('is asked again within the time of the first command', () => {
    const { asked, reply } = asking();
    const seen: unknown[] = [];
    reply.subscribe({ next: (key) => seen.push(key), complete: () => seen.push('complete') });
    expect(asked[0]?.deadline).toBe(0);
    (asked[0] as Request).deadline = 1234;
    asked[0]?.settle('x');
    expect(asked).toHaveLength(2);
    expect(asked[1]?.deadline).toBe(1234);
    asked[1]?.settle('app:x');
    expect(seen).toEqual(['x', 'complete']);
  });

  it('is not asked again for a subscriber that has left', () => {
    const { asked, reply } = asking();
    const subscription = reply.subscribe();
    subscription.unsubscribe();
    expect(asked[0]?.abandoned).toBe(true);
    asked[0]?.settle('x');
    expect(asked).toHaveLength(1);
  });

  it('fails as its command fails', async () => {
    const { asked, reply } = asking();
    const outcome = reply.then(
      () => undefined,
      (reason) => reason,
    );
    const error = new Error('gone');
    asked[0]?.fail(error as never);
    expect(await outcome).toBe(error);
  });

  it('leaves its place in the offline queue free for the very next when its subscriber leaves', async () => {
    const { connection, links, greeted } = scriptedConnection({ offlineQueue: 2, reconnect: { initialDelay: 60_000 } });
    const source = { ...plainContext, prefix: 'app:', executor: connection };
    connection.open();
    lose(await greeted());
    const leaving = Reply.from(source, randomkey()).subscribe();
    const [second, third] = [record(Reply.from(source, get('b'))), record(Reply.from(source, get('c')))];
    expect([second.ended, third.ended]).toMatchObject([undefined, { code: 'DISCONNECTED' }]);
    leaving.unsubscribe();
    const [fourth, fifth] = [record(Reply.from(source, get('d'))), record(Reply.from(source, get('e')))];
    expect([fourth.ended, fifth.ended]).toMatchObject([undefined, { code: 'DISCONNECTED' }]);
    expect(links).toHaveLength(1);
    connection.destroy();
  });
});

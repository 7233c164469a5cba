import { NEVER, concat, of } from 'rxjs';
import { get } from '../../../src/commands/generated/builders';
import { stage } from '../../../src/connection/stage';
import type { RedisClusterOptions } from '../../../src/options';
import { RedisCluster } from '../../../src/redis-cluster';
import { record } from '../../support/clients';
import { inCluster, type View } from '../../support/scripted-cluster';
import { ScriptedSocket } from '../../support/scripted-socket';
import { endOfTick } from '../../support/tick';
import { VirtualClock } from '../../support/virtual-clock';
import { RequestParser } from '../../simulation/request-parser';

/** A client of a cluster in virtual time. Each node answers GET with its port, and tells of nothing. */
function connected(options: Omit<RedisClusterOptions, 'nodes'>) {
  const clock = new VirtualClock();
  let view: View = { ranges: [[0, 16_383, 1]] };
  let views = 0;
  const dial = ({ port }: { readonly port: number }) => {
    const socket = new ScriptedSocket();
    const parser = new RequestParser();
    const script = inCluster(
      () => view,
      ([name]) => (name === 'GET' ? `$1\r\n${port}\r\n` : '+OK\r\n'),
    );
    socket.write = (chunks) => {
      for (const { words } of parser.push(Buffer.concat(chunks))) {
        if (words[1] === 'SLOTS') views++;
        const reply = script([...words], undefined as never)!;
        clock.schedule(() => socket.receive(reply), 0);
      }
      return true;
    };
    return concat(of(socket), NEVER);
  };
  const own = { partsFor: () => ({ clock, dial }), made: () => undefined, subscribesBy: () => undefined };
  const client = new RedisCluster({ ...{ [stage]: own }, nodes: ['a:1'], ...options });
  const pass = async (ms: number): Promise<void> => {
    for (let at = 0; at < ms; at += 10) {
      await endOfTick();
      clock.advance(10);
    }
    await endOfTick();
  };
  const move = () => (view = { ranges: [[0, 16_383, 2]], epoch: 2 });
  return { client, clock, pass, move, views: () => views };
}

afterEach(() => jest.restoreAllMocks());

describe('A slot that has moved, of which no server tells', () => {
  it.each([
    [{ readTimeout: 4_000 }, 4_000],
    [{ readTimeout: 4_000, cache: { staleAfter: 2_000 } }, 2_000],
    [{ readTimeout: 4_000, cache: { staleAfter: Infinity } }, 4_000],
    [{}, 30_000],
  ])('is noticed for the live queries of a client with %j within %i ms', async (options, bound) => {
    jest.spyOn(Math, 'random').mockReturnValue(1 - 1e-9); // the longest pause
    const { client, pass, move } = connected(options);
    void Promise.resolve(client.connect());
    await pass(100);
    const { values } = record(client.live(get('k')));
    await pass(100);
    expect(values).toStrictEqual(['1']);
    move();
    await pass(bound + 20);
    expect(values).toStrictEqual(['1', '2']);
    await client.destroy();
  });

  it('is looked for no more often where nothing is followed any more', async () => {
    const { client, pass, views } = connected({ readTimeout: 2_000 });
    await pass(100);
    const live = record(client.live(get('k')));
    await pass(20_000);
    const often = views();
    expect(often).toBeGreaterThan(8);
    live.stop();
    await pass(2_000);
    const before = views();
    await pass(20_000);
    expect(views() - before).toBeLessThan(2);
    await client.destroy();
  });
});

import { record, useClients } from '../support/clients';
import { useServer } from '../support/server';
import { until } from '../support/until';
import { Leaderboard } from './programs/leaderboard';

describe('The example of a leaderboard', () => {
  const server = useServer({ own: true });
  const make = useClients();
  const players = ['ann', 'bob', 'cid', 'dan', 'eve'];

  it('knows the best, and who stands around a player', async () => {
    const redis = make(server().url);
    await redis.flushall();
    const board = new Leaderboard(redis, 'chess');
    for (const [at, player] of players.entries()) expect(await award(board, player, 10 * at)).toBe(10 * at);
    expect(await award(board, 'ann', 25)).toBe(25);
    expect(record(board.top(2)).ended).toBeUndefined();
    const read = async (places$: ReturnType<Leaderboard['top']>) => {
      const read = record(places$);
      await until(() => read.ended !== undefined);
      return read.values.flat().map(({ rank, player, score }) => `${rank} ${player} ${score}`);
    };
    expect(await read(board.top(2))).toStrictEqual(['1 eve 40', '2 dan 30']);
    expect(await read(board.around('ann', 1))).toStrictEqual(['2 dan 30', '3 ann 25', '4 cid 20']);
    expect(await read(board.around('eve', 1))).toStrictEqual(['1 eve 40', '2 dan 30']);
    expect(await read(board.around('nobody', 1))).toStrictEqual([]);
  });

  it('shows the best again when another process changes the scores', async () => {
    const [redis, other] = [make(server().url), make(server().url)];
    await redis.flushall();
    const seen = record(new Leaderboard(redis, 'go').live(1, 1));
    await until(() => seen.values.length > 0);
    expect(seen.values[0]).toStrictEqual([]);
    await award(new Leaderboard(other, 'go'), 'ann', 5);
    await until(() => seen.values.at(-1)?.[0]?.player === 'ann');
    expect(seen.values.at(-1)).toStrictEqual([{ rank: 1, player: 'ann', score: 5 }]);
  });
});

async function award(board: Leaderboard, player: string, points: number): Promise<number | undefined> {
  const awarded = record(board.award(player, points));
  await until(() => awarded.ended !== undefined);
  return awarded.values[0];
}

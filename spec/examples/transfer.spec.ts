import { firstValueFrom } from 'rxjs';
import { useClients } from '../support/clients';
import { useServer } from '../support/server';
import { transfer } from './programs/transfer';

describe('The example of a transfer', () => {
  const server = useServer();
  const make = useClients();

  it('moves money while there is enough, however many transfers of several clients there are at once', async () => {
    const clients = [make(server().url), make(server().url)];
    const [redis] = clients;
    const [ann, bob] = ['transfer:ann', 'transfer:bob'];
    await redis!.mset({ [ann]: 30, [bob]: 0 });
    const transfers = Array.from({ length: 20 }, (_, n) => firstValueFrom(transfer(clients[n % 2]!, ann, bob, 10)));
    const moved = await Promise.all(transfers);
    expect(moved.filter((each) => each)).toHaveLength(3);
    expect(await redis!.mget(ann, bob)).toStrictEqual(['0', '30']);
  });
});

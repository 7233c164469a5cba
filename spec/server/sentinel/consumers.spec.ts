import { ConfigurationError } from 'rxjs-redis';
import { useClients } from '../../support/clients';
import { failure } from '../../support/outcomes';
import { optionsOf, useSentinels } from '../../support/sentinels';

const trio = useSentinels();
const client = useClients();

describe.each(['replica', 'prefer-replica'] as const)('A consumer of a client with the role %s', (role) => {
  it('is refused, and keeps nobody who closes the client waiting', async () => {
    const writer = client(optionsOf(trio()));
    await writer.xgroupCreate('orders', role, '$', { MKSTREAM: true });
    await writer.wait(2, 0);
    const reader = client({ ...optionsOf(trio()), role });
    const options = { group: role, drainTimeout: Infinity };
    expect(await failure(reader.consume('orders', options, () => undefined))).toBeInstanceOf(ConfigurationError);
    await reader.close();
  });
});

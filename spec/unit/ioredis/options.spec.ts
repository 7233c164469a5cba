import { clientOptions } from '../../../src/ioredis/options';

const sentinels = [{ host: 'sentinel', port: 26_379 }];
const [ofServers, ofSentinels] = [{ ca: 'of the servers' }, { ca: 'of the sentinels' }];

describe('Options of ioredis for sentinels', () => {
  it.each([
    { given: {}, tls: undefined, sentinelTls: false },
    { given: { tls: ofServers }, tls: undefined, sentinelTls: false },
    { given: { tls: ofServers, enableTLSForSentinelMode: true }, tls: ofServers, sentinelTls: false },
    { given: { sentinelTLS: ofSentinels }, tls: undefined, sentinelTls: ofSentinels },
  ])('tell the TLS of servers and that of sentinels apart, as ioredis does: $given', ({ given, tls, sentinelTls }) => {
    expect(clientOptions({ sentinels, name: 'mymaster', ...given })).toMatchObject({
      sentinels,
      service: 'mymaster',
      tls,
      sentinelTls,
    });
  });

  it.each([
    { sentinelReconnectStrategy: () => 10 },
    { sentinelCommandTimeout: 100 },
    { sentinelRetryStrategy: () => 10 },
    { updateSentinels: false },
  ])('are refused where they would mean something else: %p', (given) => {
    const [name] = Object.keys(given);
    expect(() => clientOptions({ sentinels, name: 'mymaster', ...given })).toThrow(new RegExp(`IORedis: .*'${name}'`));
  });
});

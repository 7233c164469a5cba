import { Redis, RedisPool, type RedisOptions } from 'rxjs-redis';
import { thrownBy } from '../../support/outcomes';

const sentinels = ['127.0.0.1:26379'];
const service = 'mymaster';

describe('The options of sentinels', () => {
  it.each<[RedisOptions | Record<string, unknown>, string]>([
    [{ sentinels }, "The option 'sentinels' needs the option 'service': the name of the master, as 'mymaster'"],
    [{ sentinels: [], service }, "The option 'sentinels' is empty, and one at least is to be asked"],
    [{ sentinels: 'there:1', service }, "The option 'sentinels' is an array of addresses, got a string"],
    [{ sentinels: [7], service }, "The option 'sentinels[0]' is { host, port } or 'host:port', got a number"],
    [
      { sentinels: [{ host: 'a', port: 0 }], service },
      "The option 'sentinels[0].port' is a number from 1 to 65535, got 0",
    ],
    [{ sentinels, service: 7 }, "The option 'service' is a string, got a number"],
    [
      { sentinels, service: 'my master' },
      "The option 'service' is a name of printable ASCII characters without spaces",
    ],
    [
      { sentinels, service, role: 'slave' },
      "The option 'role' is 'master', 'replica' or 'prefer-replica', got 'slave'",
    ],
    [{ sentinels, service, sentinelPassword: 7 }, "The option 'sentinelPassword' is a string, got a number"],
    [{ sentinels, service, sentinelUsername: 'ann' }, "The option 'sentinelUsername' needs a 'sentinelPassword'"],
    [{ sentinels, service, sentinelTls: 'yes' }, "The option 'sentinelTls' is an object or a boolean, got a string"],
    [{ sentinels, service, natMap: 7 }, "The option 'natMap' is an object or a function, got a number"],
    [{ service }, "The option 'service' needs the option 'sentinels'"],
    [{ role: 'replica' }, "The option 'role' needs the option 'sentinels'"],
    [{ natMap: {} }, "The option 'natMap' needs the option 'sentinels'"],
    [{ sentinelPassword: 's3cret' }, "The option 'sentinelPassword' needs the option 'sentinels'"],
    [
      { sentinels, service, host: 'a' },
      "The options 'sentinels' and 'host' contradict each other: leave one of them out",
    ],
    [
      { sentinels, service, port: 1 },
      "The options 'sentinels' and 'port' contradict each other: leave one of them out",
    ],
    [
      { sentinels, service, path: '/a' },
      "The options 'sentinels' and 'path' contradict each other: leave one of them out",
    ],
    [
      { sentinels, service, url: 'redis://a' },
      "The options 'sentinels' and 'url' contradict each other: leave one of them out",
    ],
    [{ sentinels, name: service }, "There is no option 'name': did you mean 'clientName' or 'service'?"],
    [{ sentinelRootNodes: [] }, "There is no option 'sentinelRootNodes': did you mean 'sentinels'?"],
  ])('are refused where they are %j', (options, why) => {
    expect(thrownBy(() => new Redis(options as RedisOptions))).toBe(`TypeError: ${why}`);
    expect(thrownBy(() => new RedisPool(options as RedisOptions))).toBe(`TypeError: ${why}`);
  });

  it('may be undefined, and stand beside a URL that is', () => {
    const undefinedAll = { sentinels: undefined, service: undefined, role: undefined, natMap: undefined };
    expect(() => new Redis('redis://localhost', undefinedAll)).not.toThrow();
    expect(() => new Redis({ url: undefined, host: undefined, sentinels, service })).not.toThrow();
  });

  it('are not shown, nor opened before something is asked', () => {
    const redis = new Redis({ sentinels, service, sentinelPassword: 's3cret' });
    expect(JSON.stringify(redis)).toBe('{"address":"mymaster","state":"idle"}');
    expect(redis.inspect().state).toBe('idle');
  });
});

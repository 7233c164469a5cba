import { RedisCluster } from 'rxjs-redis';

describe('the options of a cluster', () => {
  it.each([
    [{ nodes: [] }, /'nodes' is a list of 'host:port', got an empty one/],
    [{}, /'nodes' is a list/],
    [{ nodes: ['a b'] }, /'nodes\[0\]'/],
    [{ nodes: ['a'], url: 'redis://a' }, /no option 'url': use 'nodes'/],
    [{ nodes: ['a'], host: 'b' }, /no option 'host': use 'nodes'/],
    [{ nodes: ['a'], sentinels: ['b'] }, /no option 'sentinels'/],
    [{ nodes: ['a'], reconnectOnError: () => true }, /no option 'reconnectOnError'/],
    [{ nodes: ['a'], reconnect: false }, /'reconnect' is false/],
    [{ nodes: ['a'], reads: 'slave' }, /'reads' is one of 'master', 'replica', 'nearest', 'same-zone', got 'slave'/],
    [{ nodes: ['a'], reads: 'same-zone' }, /needs the option 'zone'/],
    [{ nodes: ['a'], natMap: 7 }, /'natMap' is an object or a function/],
    [{ nodes: ['a'], db: 1 }, /did you mean 'database'/],
  ])('are refused where they are wrong: %j', (options, message) => {
    expect(() => new RedisCluster(options as never)).toThrow(message);
    expect(() => new RedisCluster(options as never)).toThrow(TypeError);
  });

  it('open nothing', () => {
    const cluster = new RedisCluster({ nodes: ['localhost:1', { host: '::1', port: 7000 }] });
    expect(cluster.nodes).toEqual([]);
    expect(cluster.nodeFor('a')).toBeUndefined();
    expect(JSON.stringify(cluster)).toContain('"state":"idle"');
    void cluster.destroy();
  });
});

import { parseMemoryInUse, parseTraffic } from '../../../infra/demo/vitals/proc';
import { takeReading, type Reading } from '../../../infra/demo/vitals/reading';
import { samplesBetween } from '../../../infra/demo/vitals/samples';
import { isSignName, signNames, signs } from '../../../infra/demo/vitals/signs';
import { Space } from '../../../infra/demo/space';

const reading: Reading = {
  at: 10_000.25,
  load: 1.5,
  processors: { busy: 1000, total: 4000 },
  memory: 512e6,
  traffic: { received: 5000, sent: 900 },
};

describe('/proc', () => {
  it('tells the memory in use, without the caches', () => {
    const meminfo = 'MemTotal:       24684092 kB\nMemFree:        1 kB\nMemAvailable:   23684092 kB\n';
    expect(parseMemoryInUse(meminfo)).toBe(1_000_000 * 1024);
  });

  it('tells no memory where the kernel is too old to say what is available', () => {
    expect(parseMemoryInUse('MemTotal: 24684092 kB\nMemFree: 1 kB\n')).toBeUndefined();
  });

  it('tells the bytes through all interfaces', () => {
    const dev = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       1    0    0    0     0          0         0      100       1    0    0    0     0       0          0
  eth0:2000       2    0    0    0     0          0         0     30       3    0    0    0     0       0          0
`;
    expect(parseTraffic(dev)).toEqual({ received: 2100, sent: 130 });
  });
});

describe('a reading of this machine', () => {
  it('tells what every system tells', async () => {
    const now = () => performance.timeOrigin + performance.now();
    const before = now();
    const { at, processors, memory } = await takeReading();
    expect(at).toBeGreaterThanOrEqual(before);
    expect(at).toBeLessThanOrEqual(now());
    expect(processors.busy).toBeGreaterThan(0);
    expect(processors.total).toBeGreaterThanOrEqual(processors.busy);
    expect(memory).toBeGreaterThan(0);
  });
});

describe('samplesBetween', () => {
  it('turns what is counted into rates and shares', () => {
    const later: Reading = {
      at: 10_500.25,
      load: 2,
      processors: { busy: 1100, total: 4400 },
      memory: 600e6,
      traffic: { received: 6000, sent: 1000 },
    };
    expect(samplesBetween(reading, later)).toEqual([
      { sign: 'load', at: 10_500, value: 2 },
      { sign: 'processor', at: 10_500, value: 25 },
      { sign: 'memory', at: 10_500, value: 600e6 },
      { sign: 'net-in', at: 10_500, value: 2000 },
      { sign: 'net-out', at: 10_500, value: 200 },
    ]);
  });

  it('leaves out what the machine does not tell', () => {
    const elsewhere: Reading = { ...reading, load: undefined, traffic: undefined };
    const signs = samplesBetween(elsewhere, { ...elsewhere, at: 10_200 }).map(({ sign }) => sign);
    expect(signs).toEqual(['processor', 'memory']);
  });

  it('counts no negative and no infinite rates', () => {
    const reset: Reading = { ...reading, at: 10_200, traffic: { received: 0, sent: 0 } };
    const values = samplesBetween(reading, reset).map(({ sign, value }) => [sign, value]);
    expect(values).toEqual([
      ['load', 1.5],
      ['processor', 0],
      ['memory', 512e6],
      ['net-in', 0],
      ['net-out', 0],
    ]);
  });
});

describe('the signs', () => {
  it('tell their values with units', () => {
    expect(signs.load.tell(0.456)).toBe('0.46');
    expect(signs.processor.tell(7)).toBe('7.0 %');
    expect(signs.memory.tell(1.2345e9)).toBe('1.234 GB');
    expect(signs.memory.tell(123.456e9)).toBe('123.46 GB');
    expect(signs['net-in'].tell(12_345)).toBe('12.3 kB/s');
    expect(signs['net-out'].tell(12_345_678)).toBe('12.3 MB/s');
  });

  it('are known by name', () => {
    expect(['load', 'net-in', 'latest', 'toString'].map(isSignName)).toEqual([true, true, false, false]);
  });
});

describe('the space of a demo at a server', () => {
  const space = new Space('vitals:0a1b2c');

  it('knows its channels', () => {
    expect(space.pattern).toBe('vitals:0a1b2c:*');
    expect(space.signOf(space.channel('net-in'))).toBe('net-in');
    expect(space.signOf('vitals:0a1b2c:weather')).toBeUndefined();
  });

  it('has shard channels in a cluster, one for each sign', () => {
    expect(space.isSharded).toBe(false);
    const sharded = new Space('vitals', { isSharded: true });
    expect([sharded.isSharded, sharded.channels.map((channel) => sharded.signOf(channel))]).toEqual([true, signNames]);
  });

  it('has all its keys under its prefix, those of its queue under the same name', () => {
    expect(space.keys).toHaveLength(12);
    expect(space.keys.every((key) => /^(vitals:0a1b2c:|queue:\{vitals:0a1b2c:jobs\}:)/.test(key))).toBe(true);
  });
});

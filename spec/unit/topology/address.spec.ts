import { readAddress, readNode, readRedirection } from '../../../src/topology/address';

describe('An address that MOVED or ASK names', () => {
  it.each([
    ['10.0.0.7:7001', { host: '10.0.0.7', port: 7001 }],
    ['node.example:7001', { host: 'node.example', port: 7001 }],
    ['::1:21802', { host: '::1', port: 21802 }],
    ['[::1]:21802', { host: '::1', port: 21802 }],
    [':7001', { host: 'asked.example', port: 7001 }],
  ])('is read from %s', (text, address) => {
    expect(readRedirection(text, 'asked.example')).toEqual(address);
  });

  it.each(['?:7001', '', '10.0.0.7', '10.0.0.7:', '10.0.0.7:x', '10.0.0.7:0', '10.0.0.7:65536', '10.0.0.7:7001@17001'])(
    'is not known from %j',
    (text) => {
      expect(readRedirection(text, 'asked.example')).toBeUndefined();
    },
  );
});

describe('An address of a list', () => {
  it('has a port as text, as sentinels write it, or as a number, as nodes of a cluster do', () => {
    expect(readAddress('10.0.0.7', '26379', 'asked')).toEqual({ host: '10.0.0.7', port: 26379 });
    expect(readAddress('10.0.0.7', 26379, 'asked')).toEqual({ host: '10.0.0.7', port: 26379 });
  });

  it('is that of the server that answered where the host is null or empty', () => {
    expect(readAddress(null, 1, 'asked')).toEqual({ host: 'asked', port: 1 });
    expect(readAddress('', 1, 'asked')).toEqual({ host: 'asked', port: 1 });
  });

  it.each([
    ['?', 1],
    [7, 1],
    ['10.0.0.7', null],
    ['10.0.0.7', -1],
    ['10.0.0.7', 1.5],
    ['10.0.0.7', '1e3'],
  ])('is not known from %j and %j', (host, port) => {
    expect(readAddress(host, port, 'asked')).toBeUndefined();
  });
});

describe('A node of CLUSTER SLOTS', () => {
  it('is at its endpoint', () => {
    expect(readNode(['10.0.0.7', 7001, 'id', []], 'asked')).toEqual({ host: '10.0.0.7', port: 7001 });
    expect(readNode(['node.test', 7001, 'id', ['ip', '10.0.0.7']], 'asked')).toEqual({ host: 'node.test', port: 7001 });
  });

  it('is where the server is that answered, when its endpoint is unknown', () => {
    expect(readNode([null, 7001, 'id', ['ip', '10.0.0.7']], 'asked')).toEqual({ host: 'asked', port: 7001 });
  });

  it('is at the address of its metadata, in RESP2 and RESP3, when it has no name', () => {
    expect(readNode(['?', 7001, 'id', ['hostname', 'x', 'ip', '10.0.0.7']], 'asked')?.host).toBe('10.0.0.7');
    expect(readNode(['?', 7001, 'id', new Map([['ip', '10.0.0.7']])], 'asked')?.host).toBe('10.0.0.7');
    expect(readNode(['?', 7001, 'id', []], 'asked')).toBeUndefined();
    expect(readNode('nothing', 'asked')).toBeUndefined();
  });
});

import { addressOf, nameOf, natMapOf } from '../../../src/options/addresses';
import { thrownBy } from '../../support/outcomes';

describe('An address in the options', () => {
  it.each<[unknown, { host: string; port: number }]>([
    ['there:7000', { host: 'there', port: 7000 }],
    ['there', { host: 'there', port: 26379 }],
    ['10.0.0.7:7000', { host: '10.0.0.7', port: 7000 }],
    ['[::1]:7000', { host: '::1', port: 7000 }],
    ['[::1]', { host: '::1', port: 26379 }],
    ['2001:db8::7', { host: '2001:db8::7', port: 26379 }],
    ['fe80::1%eth0', { host: 'fe80::1%eth0', port: 26379 }],
    [
      { host: '::1', port: 7000 },
      { host: '::1', port: 7000 },
    ],
    [{ host: 'there' }, { host: 'there', port: 26379 }],
  ])('is read from %j', (given, address) => {
    expect(addressOf('sentinels[0]', given, 26379)).toEqual(address);
  });

  it.each<[unknown, string]>([
    ['', "The option 'sentinels[0]' is { host, port } or 'host:port', got another text"],
    ['redis://there', "The option 'sentinels[0]' is { host, port } or 'host:port', got a URL"],
    ['user:secret@there', "The option 'sentinels[0]' is { host, port } or 'host:port', got another text"],
    ['there:port', "The option 'sentinels[0]' is { host, port } or 'host:port', got another text"],
    [['there', 7000], "The option 'sentinels[0]' is { host, port } or 'host:port', got an array of 2"],
    [7000, "The option 'sentinels[0]' is { host, port } or 'host:port', got a number"],
    [undefined, "The option 'sentinels[0]' is { host, port } or 'host:port', got undefined"],
    [{}, "The option 'sentinels[0].host' is a string, got undefined"],
    [{ host: '' }, "The option 'sentinels[0].host' is not to be empty"],
    ['there:0', "The option 'sentinels[0].port' is a number from 1 to 65535, got 0"],
    ['there:70000', "The option 'sentinels[0].port' is a number from 1 to 65535, got 70000"],
    [{ host: 'there', port: 1.5 }, "The option 'sentinels[0].port' is a whole number, got 1.5"],
    [{ host: 'there', password: 's3cret' }, "The option 'sentinels[0]' is { host, port }, and has no 'password'"],
  ])('is refused where it is %j', (given, why) => {
    expect(thrownBy(() => addressOf('sentinels[0]', given, 26379))).toBe(`TypeError: ${why}`);
  });

  it('has a name by which it is compared', () => {
    expect(nameOf({ host: 'There', port: 1 })).toBe('there:1');
    expect(nameOf({ host: '::1', port: 1 })).toBe('[::1]:1');
  });
});

describe('The option natMap', () => {
  it('changes the addresses that it names, and no others', () => {
    const translate = natMapOf({
      '10.0.0.7:7000': { host: 'outside', port: 17000 },
      'Inner.test:7000': 'outside:17001',
      '[::1]:7000': 'six',
      '2001:db8::7:7000': 'sixteen',
    });
    expect(translate({ host: '10.0.0.7', port: 7000 })).toEqual({ host: 'outside', port: 17000 });
    expect(translate({ host: 'inner.test', port: 7000 })).toEqual({ host: 'outside', port: 17001 });
    expect(translate({ host: '::1', port: 7000 })).toEqual({ host: 'six', port: 7000 });
    expect(translate({ host: '2001:db8::7', port: 7000 })).toEqual({ host: 'sixteen', port: 7000 });
    expect(translate({ host: '10.0.0.7', port: 7001 })).toEqual({ host: '10.0.0.7', port: 7001 });
  });

  it('may be a function, which leaves an address as it is by giving undefined', () => {
    const translate = natMapOf(({ host, port }: { host: string; port: number }) =>
      port === 7000 ? `nat-${host}:${port + 1}` : undefined,
    );
    expect(translate({ host: 'a', port: 7000 })).toEqual({ host: 'nat-a', port: 7001 });
    expect(translate({ host: 'a', port: 7002 })).toEqual({ host: 'a', port: 7002 });
    expect(natMapOf(undefined)({ host: 'a', port: 1 })).toEqual({ host: 'a', port: 1 });
  });

  it.each<[unknown, string]>([
    [[], "The option 'natMap' is an object or a function, got an empty array"],
    ['10.0.0.7:7000', "The option 'natMap' is an object or a function, got a string"],
    [{ there: 'elsewhere:1' }, "The option 'natMap' has keys of the form 'host:port', got 'there'"],
    [{ 'there:1': 7 }, "The option 'natMap['there:1']' is { host, port } or 'host:port', got a number"],
  ])('is refused where it is %j', (given, why) => {
    expect(thrownBy(() => natMapOf(given))).toBe(`TypeError: ${why}`);
  });

  it('names itself in the error of a function that gives something else', () => {
    const translate = natMapOf(() => 7);
    expect(thrownBy(() => translate({ host: 'a', port: 1 }))).toBe(
      "ConnectionError: The option 'natMap' is { host, port } or 'host:port', got a number",
    );
  });
});

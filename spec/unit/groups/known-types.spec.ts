import { KnownTypes } from '../../../src/groups/known-types';

describe('The types of watched keys', () => {
  it('are what was noted last, also while a key is gone', () => {
    const types = new KnownTypes();
    expect(types.of('k')).toBeUndefined();
    types.note('k', undefined);
    expect(types.of('k')).toBeUndefined();
    types.note('k', 'hash');
    types.note('k', 'list');
    expect(types.of('k')).toBe('list');
    types.note('k', undefined);
    expect(types.of('k')).toBe('list');
  });

  it('are forgotten beyond ten thousand keys, those first that were not watched for the longest time', () => {
    const types = new KnownTypes();
    for (let n = 0; n < 10_000; n++) types.note(`k${n}`, 'hash');
    types.note('k0', 'hash');
    types.note('another', 'set');
    expect([types.of('k0'), types.of('k1'), types.of('k2'), types.of('another')]).toStrictEqual([
      'hash',
      undefined,
      'hash',
      'set',
    ]);
  });

  it('are asked for by no reader that the user may not use, until it is known that the user may', () => {
    const types = new KnownTypes();
    expect(types.mayRead('stream')).toBe(true);
    types.noteReader('stream', true);
    expect([types.mayRead('stream'), types.mayRead('set')]).toStrictEqual([false, true]);
    types.noteReader('stream', false);
    expect(types.mayRead('stream')).toBe(true);
  });
});

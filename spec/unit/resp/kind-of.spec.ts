import { Attribute, ErrorFrame, Push } from '../../../src/resp/frames';
import { kindOf } from '../../../src/resp/kind-of';

describe('The kind of a value', () => {
  it.each<[string, unknown]>([
    ['a string', 'hunter2'],
    ['a boolean', true],
    ['a bigint', 7n],
    ['a function', () => 'hunter2'],
    ['a symbol', Symbol('hunter2')],
    ['a number', 7],
    ['a number', -0],
    ['a fraction', 1.5],
    ['a number beyond ±2^53', 2 ** 53],
    ['NaN', NaN],
    ['-Infinity', -Infinity],
    ['undefined', undefined],
    ['null', null],
    ['an empty array', []],
    ['an array of 2', ['hunter2', 1]],
    ['a map', new Map([['hunter2', 1]])],
    ['bytes', Buffer.from('hunter2')],
    ['the error ERR', new ErrorFrame('ERR hunter2')],
    ['a push', new Push(['hunter2'])],
    ['an attribute', new Attribute(new Map())],
    ['an object (Object)', { password: 'hunter2' }],
    ['an object (Date)', new Date(0)],
    ['an object (no prototype)', Object.create(null)],
  ])('is %s, and never the value itself', (kind, value) => {
    expect(kindOf(value)).toBe(kind);
  });
});

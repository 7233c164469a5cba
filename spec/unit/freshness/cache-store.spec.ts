import { get, mget } from '../../../src/commands';
import type { Command } from '../../../src/commands/command';
import { Entry } from '../../../src/freshness/cache-entry';
import { CacheStore } from '../../../src/freshness/cache-store';
import { namesOf } from '../../../src/freshness/names';

const unused = () => {
  throw new Error('Nothing is sent here');
};
const owner = { filled: unused, failed: unused, unanswered: unused };

function entryOf(command: Command, asBytes = false): Entry {
  return new Entry(owner, { submit: unused }, undefined, command, asBytes, namesOf(command));
}

describe('The store of a cache', () => {
  it('has a place for each key of what it holds, and none for any other', () => {
    const store = new CacheStore();
    const one = entryOf(get('a'));
    const bytes = entryOf(get('a'), true);
    const both = entryOf(mget('a', 'b'));
    const other = entryOf(mget('c', 'b', 'c'));
    for (const entry of [one, bytes, both, other]) {
      store.add(entry);
      store.keep(entry);
    }
    expect([store.keys, store.count]).toStrictEqual([3, 4]);
    expect(store.get('a', get('a'), true)).toBe(bytes);
    expect(store.get('a', mget('a', 'b'), false)).toBe(both);
    expect(store.get('b', mget('b', 'a'), false)).toBeUndefined();
    expect(store.removeKey('b')).toBe(2);
    expect([store.keys, store.count]).toStrictEqual([1, 2]);
    store.remove(one);
    expect([store.keys, store.count]).toStrictEqual([1, 1]);
    expect(store.removeKey('a')).toBe(1);
    expect([store.keys, store.count, store.size, store.leastUsed]).toStrictEqual([0, 0, 0, undefined]);
  });

  it('holds no place for what was evicted, however much has passed through', () => {
    const store = new CacheStore();
    for (let n = 0; n < 10_000; n++) {
      const entry = entryOf(n % 3 === 0 ? mget(`key:${n}`, `key:${n + 1}`) : get(`key:${n}`));
      store.add(entry);
      store.keep(entry);
      while (store.count > 100) store.remove(store.leastUsed!);
    }
    expect(store.keys).toBeLessThanOrEqual(200);
    while (store.leastUsed !== undefined) store.remove(store.leastUsed);
    expect([store.keys, store.count, store.size]).toStrictEqual([0, 0, 0]);
  });

  it('gives up what was not used for the longest time first', () => {
    const store = new CacheStore();
    const [a, b, c] = ['a', 'b', 'c'].map((key) => entryOf(get(key))) as [Entry, Entry, Entry];
    for (const entry of [a, b, c]) {
      store.add(entry);
      store.keep(entry);
    }
    store.touch(a);
    const order: Entry[] = [];
    while (store.leastUsed !== undefined) {
      order.push(store.leastUsed);
      store.remove(store.leastUsed);
    }
    expect(order).toStrictEqual([b, c, a]);
  });
});

import { get, hget, mget, strlen } from '../../../src/commands';
import type { Command } from '../../../src/commands/command';
import type { Entry } from '../../../src/freshness/cache-entry';
import { CacheStore } from '../../../src/freshness/cache-store';
import { idOf, namesOf } from '../../../src/freshness/names';
import { Random } from '../../simulation/random';

function begun(store: CacheStore, command: Command, asBytes = false): Entry {
  const [name, ...others] = namesOf(command);
  return store.begin(command, asBytes, name!, others);
}

function kept(store: CacheStore, command: Command, asBytes = false): Entry {
  const entry = begun(store, command, asBytes);
  store.keep(entry);
  return entry;
}

describe('The store of a cache', () => {
  it('has a place for each key of what it holds, and none for any other', () => {
    const store = new CacheStore();
    const one = kept(store, get('a'));
    const bytes = kept(store, get('a'), true);
    const both = kept(store, mget('a', 'b'));
    kept(store, mget('c', 'b', 'c'));
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
      kept(store, n % 3 === 0 ? mget(`key:${n}`, `key:${n + 1}`) : get(`key:${n}`));
      while (store.count > 100) store.remove(store.leastUsed!);
    }
    expect(store.keys).toBeLessThanOrEqual(200);
    while (store.leastUsed !== undefined) store.remove(store.leastUsed);
    expect([store.keys, store.count, store.size]).toStrictEqual([0, 0, 0]);
  });

  it('gives up what was not used for the longest time first', () => {
    const store = new CacheStore();
    const [a, b, c] = ['a', 'b', 'c'].map((key) => kept(store, get(key))) as [Entry, Entry, Entry];
    store.touch(a);
    const order: Entry[] = [];
    while (store.leastUsed !== undefined) {
      order.push(store.leastUsed);
      store.remove(store.leastUsed);
    }
    expect(order).toStrictEqual([b, c, a]);
  });

  it('uses entries again, which have nothing of what they were before', () => {
    const store = new CacheStore();
    const strange = [mget('x', 'y'), hget('x', Uint8Array.of(1)), get('x')].map((command, at) => {
      const entry = kept(store, command, at === 2);
      entry.frame = 'old';
      return entry;
    });
    for (const entry of strange) store.remove(entry);
    for (const command of [get('a'), hget('b', 'f'), mget('c', 'd'), get('x')]) {
      const entry = begun(store, command);
      expect(entry).toMatchObject({ frame: null, size: 0, home: undefined, newer: undefined, older: undefined });
      expect(store.get(namesOf(command)[0]!, command, false)).toBe(entry);
      expect(store.get(namesOf(command)[0]!, command, true)).toBeUndefined();
      store.keep(entry);
    }
    expect(strange.every((entry) => entry.name !== 'x' || entry === store.get('x', get('x'), false))).toBe(true);
    for (const name of ['a', 'b', 'd', 'x']) expect(store.removeKey(name)).toBe(1);
    expect([store.keys, store.count, store.size]).toStrictEqual([0, 0, 0]);
  });

  it('takes entries in and out at random as a list of what there is would', () => {
    const random = new Random(17);
    const store = new CacheStore();
    const model = new Map<string, { readonly entry: Entry; readonly names: readonly string[] }>();
    const names = ['a', 'b', 'c', 'd'];
    const forget = (isMeant: (names: readonly string[]) => boolean): number => {
      const gone = [...model].filter(([, held]) => isMeant(held.names));
      for (const [id] of gone) model.delete(id);
      return gone.length;
    };
    for (let step = 0; step < 5_000; step++) {
      const [key, other] = [random.pick(names), random.pick(names)];
      const command = random.pick([get(key), hget(key, other), mget(key, other), strlen(key)]);
      const asBytes = random.chance(0.3);
      const id = idOf(command, asBytes);
      const found = store.get(key, command, asBytes);
      expect(found).toBe(model.get(id)?.entry);
      if (random.chance(0.1)) expect(store.removeKey(key)).toBe(forget((held) => held.includes(key)));
      else if (found === undefined) {
        const entry = kept(store, command, asBytes);
        model.set(id, { entry, names: namesOf(command) });
      } else if (random.chance(0.5)) {
        store.remove(found);
        model.delete(id);
      }
      expect([store.count, store.keys]).toStrictEqual([
        model.size,
        new Set([...model.values()].flatMap((held) => held.names)).size,
      ]);
    }
  });
});

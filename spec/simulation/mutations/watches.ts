import type { Mutation } from '../mutant';

/** Faults in reading the keys of a `watch` by their types, known from before or not. */
export const watchMutations: readonly Mutation[] = [
  {
    fault: 'what a watched key was is not remembered',
    file: 'groups/known-types.ts',
    from: 'types.set(key, type);',
    to: '',
  },
  {
    fault: 'a watched key is remembered by its first type for ever',
    file: 'groups/known-types.ts',
    from: 'if (type === undefined) return;',
    to: 'if (types.has(key) || type === undefined) return;',
  },
  {
    fault: 'a watched key is believed to be what it was',
    file: 'groups/watched-keys.ts',
    from: 'if (types.get(index) === type) right.push',
    to: 'if (types.has(index)) right.push',
  },
  {
    fault: 'a watched key that is not what it was is not read again',
    file: 'groups/watched-keys.ts',
    from: 'this.readRest(source, types, right)',
    to: 'this.readRest(source, types, ahead.map(([index, type]) => ({ index, type, value: null })))',
  },
  {
    fault: 'the value of one watched key is given for another',
    file: 'groups/watched-keys.ts',
    from: 'all[first.length + at]',
    to: 'all[first.length]',
  },
  {
    fault: 'a watched key that gets another type while it is read is given all the same',
    file: 'groups/watched-keys.ts',
    from: 'if (read.some(({ index }) => !types.has(index))) return CONFLICT;',
    to: '',
  },
  {
    fault: 'a key that was never watched is read once its type is known',
    file: 'groups/watched-keys.ts',
    from: 'type === undefined ? unknown : [type]',
    to: 'type === undefined ? [] : [type]',
  },
  {
    fault: 'a watched string is not remembered as one',
    file: 'groups/watched-keys.ts',
    from: "values[index] === null ? types.get(index) : 'string'",
    to: 'types.get(index)',
  },
  {
    fault: 'a watched key that is gone is forgotten with its neighbours',
    file: 'groups/known-types.ts',
    from: 'if (type === undefined) return;',
    to: 'if (type === undefined) return void types.clear();',
  },
];

import type { Mutation } from '../mutant';

/** Faults in reading the keys of a `watch` by types that are known from before. */
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
    from: 'types.delete(key);\n    if (type === undefined) return;',
    to: 'if (types.has(key) || type === undefined) return;',
  },
  {
    fault: 'a watched key is believed to be what it was',
    file: 'groups/watched-keys.ts',
    from: 'early.filter(({ index, type }) => types.get(index) === type)',
    to: 'early.filter(({ index }) => index >= 0)',
  },
  {
    fault: 'a watched key that is not what it was is not read again',
    file: 'groups/watched-keys.ts',
    from: 'this.readRest(source, types, right)',
    to: 'this.readRest(source, types, early)',
  },
  {
    fault: 'the value of one watched key is given for another',
    file: 'groups/watched-keys.ts',
    from: 'value: all[first.length + at] }));',
    to: 'value: all[first.length] }));',
  },
  {
    fault: 'a watched key that gets another type while it is read is an error',
    file: 'groups/watched-keys.ts',
    from: 'if (read.some(({ index }) => !types.has(index))) return CONFLICT;',
    to: '',
  },
];

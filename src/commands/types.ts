/** The types of commands that users name: what they take, what they reply with. Both entries of the package export them. */
export type { Arg, CommandSpec, Effect, KeyRange, Replay, ReplyContext, ReplyReader } from './command';
export type { Key, Many, Optionals, Pairs, PairsOf, Str, Variadic } from './arguments';
export type * from './generated/option-types';
export type * from './replies/types';
export type * from './special/types';

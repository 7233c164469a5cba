/** The entry `rxjs-redis/commands`: every command as data. */
export * from './generated/builders';
export { call } from './call';
export { Command } from './command';
export type { Arg, CommandSpec, KeyRange, Replay, ReplyContext, ReplyReader } from './command';
export type { Key, Many, Optionals, Pairs, PairsOf, Str, Variadic } from './arguments';
export type * from './replies/types';
export type * from './special/types';

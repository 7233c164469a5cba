/** The entry `rxjs-redis/commands`: every command as data, for pipelines, transactions and live queries. */
export * from './generated/builders';
export { call } from './call';
export { Command } from './command';
export type {
  Arg,
  BlockingFact,
  CommandSpec,
  KeyRange,
  PrefixedArguments,
  Replay,
  ReplyContext,
  ReplyReader,
  SecretArguments,
} from './command';
export type { Key, Many, Optionals, Pairs, PairsOf, Str, Variadic } from './arguments';
export type { AtMostOne, One, Without } from './option-table';
export type * from './replies/types';
export type * from './special/types';

/** The entry `rxjs-redis/commands`: every command as data. */
export * from './generated/builders';
export { call } from './call';
export { evalshaOrEval } from './evalsha-or-eval';
export { Command } from './command';
export type * from './types';

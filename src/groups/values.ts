import type { Command } from '../commands/command';

/** How a group of commands is answered. */
export interface GroupOptions {
  /** errors with the first error, whose `results` has all values, in place of giving errors as values; default false */
  readonly failFast?: boolean | undefined;
}

/** Errors are no values. */
export interface FailFast extends GroupOptions {
  readonly failFast: true;
}

/** What a command gives: `S` is what texts come as. */
export type ValueOf<C, S> =
  C extends Command<infer T, infer B> ? (S extends string ? T : unknown extends B ? T : B) : never;

/** What commands give, each in its place, or an error of type `E`. */
export type ValuesOf<C extends readonly unknown[], S, E> = { -readonly [I in keyof C]: ValueOf<C[I], S> | E };

/** Values, or errors in their places. */
export type OrErrors<T extends readonly unknown[], E> = { [I in keyof T]: T[I] | E };

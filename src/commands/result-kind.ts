import type { Reply } from './reply';

/** What the methods of a surface give for the value of a command: a function of types. */
export interface ResultKind {
  readonly value: unknown;
  readonly result: unknown;
}

/** What a surface of that kind gives for a value of this type. */
export type ResultOf<K extends ResultKind, T> = (K & { readonly value: T })['result'];

/** A client gives replies. */
export interface ReplyKind extends ResultKind {
  readonly result: Reply<this['value']>;
}

// What the emitters write: facts and overrides, put into the terms of a TypeScript signature.

import type { CallableFacts, Since } from './facts';

/** How one value is typed and checked. */
export type ValueKind =
  | 'key'
  | 'text'
  | 'data'
  | 'integer'
  | 'bigInteger'
  | 'double'
  | 'seconds'
  | 'bound'
  | 'cursor'
  | 'unit'
  | 'unixSeconds'
  | 'unixMilliseconds';

/** Parameter types and check functions by kind. */
export const KINDS: Readonly<Record<ValueKind, { type: string; check: string }>> = {
  key: { type: 'Key', check: 'text' },
  text: { type: 'Str', check: 'text' },
  data: { type: 'Arg', check: 'data' },
  integer: { type: 'number', check: 'integer' },
  bigInteger: { type: 'number | bigint', check: 'integer' },
  double: { type: 'number', check: 'double' },
  seconds: { type: 'number', check: 'seconds' },
  bound: { type: 'Arg', check: 'bound' },
  cursor: { type: 'string | number | bigint', check: 'cursor' },
  unit: { type: `'M' | 'KM' | 'FT' | 'MI'`, check: 'unit' },
  unixSeconds: { type: 'number | Date', check: 'unixSeconds' },
  unixMilliseconds: { type: 'number | Date', check: 'unixMilliseconds' },
};

/** A parameter of a builder. */
export interface Parameter {
  name: string;
  /** TypeScript, in the string surface's terms; arguments do not depend on the surface */
  type: string;
  optional?: boolean;
  rest?: boolean;
}

/** One step of writing the arguments in the order of the wire. */
export type Step =
  | { step: 'token'; token: string }
  | { step: 'value'; parameter: string; check: string; optional?: boolean; token?: string }
  | { step: 'choice'; parameter: string; words: string[]; optional?: boolean; token?: string }
  | {
      step: 'many';
      parameter: string;
      check: string;
      form: 'many' | 'rest' | 'optionals';
      counted: boolean;
      keys: boolean;
      name: string;
    }
  | {
      step: 'pairs';
      parameter: string;
      check: string;
      counted: boolean;
      keys: boolean;
      flat?: { names: [string, string]; check: string };
    }
  | { step: 'tuples'; parameter: string; checks: string[]; form: 'many' | 'rest'; counted: boolean }
  | { step: 'options' };

/** One row of a command's option table. */
export interface OptionModel {
  name: string;
  /** TypeScript of its value */
  type: string;
  /** TypeScript expression of its writer */
  writer: string;
  /** options of the same choice exclude each other; 0 is no choice */
  choice: number;
  since?: Since | undefined;
  only?: 'redis' | 'valkey' | undefined;
  /** it names a key */
  key?: boolean | undefined;
}

/** How a reply is typed (`S` stands for string or Buffer) and read. */
export interface ReplyModel {
  type: string;
  reader: string;
}

/** A reply under a condition on the options: `WITHSCORES`, `NX|XX`; the last one has no condition. */
export interface ReplyCase {
  when: string | undefined;
  reply: ReplyModel;
}

/** A signature as the editor shows it. */
export interface Signature {
  /** `T = unknown`, where the caller says what comes or an argument's own type counts */
  generics?: string | undefined;
  parameters: Parameter[];
  reply: string;
}

/** All that a repetition of a command may do, by whatever options and arguments it is called with. */
export function replaysOf({ facts, replayCases, replayWhen, variants }: CommandModel): string[] {
  const general = facts.rt.retry;
  const special = [...replayCases, ...(replayWhen === undefined ? [] : [replayWhen])].map(({ replay }) => replay);
  return [...new Set([general, ...special, ...variants])];
}

/** A command on its way to TypeScript. */
export interface CommandModel {
  facts: CallableFacts;
  /** the name of method and builder */
  method: string;
  /** the name of its spec: `GET`, `CLIENT_KILL` */
  constant: string;
  file: string;
  /** all overloads; the implementation takes the widest parameters */
  signatures: Signature[];
  implementation: Parameter[];
  steps: Step[];
  options: OptionModel[];
  /** TypeScript of the options type, where the parts are not enough */
  optionsType: string | undefined;
  needs: Record<string, string[]>;
  exclusive: string[][];
  replies: ReplyCase[];
  /** which parameter's presence chooses between two replies, the first being the one without */
  byPresence: string | undefined;
  /** name of the hand-written function that makes the command instead of `steps` */
  special: string | undefined;
  /** which arguments are keys; undefined when the call decides */
  keys: string | undefined;
  /** options that make another spec necessary, by what a repetition then does */
  replayCases: { options: string[]; absent: boolean; replay: string }[];
  /** the same for a condition on the parameters: a TypeScript expression */
  replayWhen: { when: string; replay: string } | undefined;
  /** specs that a hand-written function gets after the general one */
  variants: readonly string[];
  /** the spec is that of another method's */
  sharesSpec: boolean;
}

// Calls of every command that a repetition is tried with: generated ones, the same with one key in place of another, and prepared ones.

import type { CommandModel } from '../../../../gen/model';
import { samplesOf } from '../../../../gen/samples';
import { SCENARIOS, type Scenario } from '../scenarios';
import { PREPARED } from './prepared';

/** A call: arguments, or steps that lead to them. */
export type Call = Scenario | readonly unknown[];

/** Keys of samples are `key:1`, `key:2` and so on. */
const KEY = /^key:(\d+|[a-z])$/;

/** The calls of a builder, without those that differ in nothing but the names of keys. */
export function callsOf(model: CommandModel): Call[] {
  const prepared = [...(SCENARIOS[model.facts.name] ?? []), ...(PREPARED[model.facts.name] ?? [])];
  const samples = [...samplesOf(model).map(({ args }) => args), ...pairsOfOptions(model)].map(renumbered);
  const seen = new Set<string>();
  const isNew = (args: readonly unknown[]): boolean => !seen.has(textOf(args)) && seen.add(textOf(args)) !== undefined;
  const generated = samples.flatMap((args) => [args, ...withSharedKeys(args)]).filter(isNew);
  // Prepared calls are written for the command's first method.
  return model.sharesSpec ? generated : [...prepared, ...generated];
}

/** Two options at a time, where a command writes: what they do together may be more than what each does. */
function pairsOfOptions(model: CommandModel): unknown[][] {
  if (model.facts.rt.access !== 'write' || model.options.length === 0) return [];
  const samples = samplesOf(model).map(({ args }) => args);
  const names = new Set(model.options.map(({ name }) => name));
  const isOptions = (last: unknown): last is object =>
    typeof last === 'object' && last !== null && Object.keys(last).some((name) => names.has(name));
  const single = samples.filter((args) => isOptions(args.at(-1)));
  return single.flatMap((one, at) =>
    single
      .slice(at + 1)
      .map((other) => [...one.slice(0, -1), { ...(one.at(-1) as object), ...(other.at(-1) as object) }]),
  );
}

/** The same call with every key in the place of each other one: destinations among the sources. */
function withSharedKeys(args: readonly unknown[]): unknown[][] {
  const keys = [...new Set(keysIn(args))];
  return keys.flatMap((one, at) =>
    keys.slice(at + 1).map((other) => withKeys(args, (key) => (key === other ? one : key))),
  );
}

function renumbered(args: readonly unknown[]): unknown[] {
  const keys = [...new Set(keysIn(args))];
  return withKeys(args, (key) => `key:${keys.indexOf(key) + 1}`);
}

function keysIn(value: unknown): string[] {
  if (typeof value === 'string') return KEY.test(value) ? [value] : [];
  if (Array.isArray(value)) return value.flatMap(keysIn);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) => [...keysIn(name), ...keysIn(inner)]);
}

function withKeys(args: readonly unknown[], rename: (key: string) => string): unknown[] {
  const walk = (value: unknown): unknown => {
    if (typeof value === 'string') return KEY.test(value) ? rename(value) : value;
    if (Array.isArray(value)) return value.map(walk);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [walk(name), walk(inner)]));
  };
  return args.map(walk);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;
}

function textOf(args: readonly unknown[]): string {
  return JSON.stringify(args, (_, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value instanceof Map ? [...value] : value,
  );
}

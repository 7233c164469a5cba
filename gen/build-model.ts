// From the facts to signatures. The rules: positional arguments keep their order, options go to one object at the end, counts
// disappear, required tokens are implied, a required choice of words is a union of literals.

import type { ArgumentFacts, CallableFacts } from './facts';
import {
  KINDS,
  type CommandModel,
  type OptionModel,
  type Parameter,
  type ReplyCase,
  type Signature,
  type Step,
  type ValueKind,
} from './model';
import { camelCase, constantCase, pascalCase, plural } from './names';
import { OVERRIDES, type Override, type Special } from './overrides';
import { onStrings, replyOf } from './replies';

/** Arguments that hold the user's own values, where numbers are welcome too. */
const DATA = new Set('value element member member1 member2 field message arg pivot ifeq-value ifne-value'.split(' '));

/** The rules cannot make a signature of this command: an override is missing. */
export class Unmapped extends Error {}

function kindOf(argument: ArgumentFacts, override: Override): ValueKind {
  const given = override.values?.[argument.name];
  if (given !== undefined) return given;
  switch (argument.type) {
    case 'key':
      return 'key';
    case 'pattern':
      return 'text';
    case 'unix-time':
      return argument.name.endsWith('milliseconds') ? 'unixMilliseconds' : 'unixSeconds';
    case 'double':
      return argument.name === 'min' || argument.name === 'max' ? 'bound' : 'double';
    case 'integer':
      if (argument.name === 'cursor') return 'cursor';
      return /crement$/.test(argument.name) ? 'bigInteger' : 'integer';
    case 'string':
      return DATA.has(argument.name) ? 'data' : 'text';
    default:
      throw new Unmapped(`${argument.name}: no kind for ${argument.type}`);
  }
}

function isWord(argument: ArgumentFacts): boolean {
  return argument.type === 'pure-token' && argument.token !== undefined && !argument.optional && !argument.multiple;
}

function isValue(argument: ArgumentFacts): boolean {
  return !['pure-token', 'oneof', 'block'].includes(argument.type);
}

function wordsOf(argument: ArgumentFacts): string[] {
  return (argument.args ?? []).map((word) => word.token as string);
}

function isChoiceOfWords(argument: ArgumentFacts): boolean {
  return argument.type === 'oneof' && !argument.multiple && (argument.args ?? []).every(isWord);
}

function union(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' | ');
}

/** Pairs that may also be given as one name and one value. */
interface FlatPair {
  pairs: string;
  names: readonly [string, string];
  types: readonly [string, string];
}

/** `hset(key, data)` → `hset(key, field, value)`. */
function flattened(
  { parameters, reply }: CommandModel['signatures'][number],
  { pairs, names, types }: FlatPair,
): CommandModel['signatures'][number] {
  const flat = parameters.flatMap((parameter) =>
    parameter.name === pairs
      ? [
          { name: names[0], type: types[0] },
          { name: names[1], type: types[1] },
        ]
      : [parameter],
  );
  return { parameters: flat, reply };
}

/** Parameters that take both forms. */
function widened(parameters: readonly Parameter[], { pairs, names, types }: FlatPair): Parameter[] {
  return parameters.flatMap((parameter) =>
    parameter.name === pairs
      ? [
          { name: pairs, type: `Pairs | ${types[0]}` },
          { name: names[1], type: types[1], optional: true },
        ]
      : [parameter],
  );
}

/** `{IDMP-MAXSIZE <maxsize>}`: a block that begins with a word is a value, or a block, with that token. */
function withOwnToken(argument: ArgumentFacts): ArgumentFacts {
  const [head, ...values] = argument.args ?? [];
  if (
    argument.type !== 'block' ||
    argument.token !== undefined ||
    head?.type !== 'pure-token' ||
    head.optional ||
    values.length === 0
  ) {
    return argument;
  }
  const token = head.token as string;
  const [only] = values;
  if (values.length > 1 || only === undefined || !isValue(only) || only.optional)
    return { ...argument, token, args: values };
  return { ...only, ...pick(argument), token };
}

/** What an argument says of its place and not of its shape. */
function pick({ optional, since, only }: ArgumentFacts): Partial<ArgumentFacts> {
  return { ...(optional ? { optional } : {}), ...(since ? { since } : {}), ...(only ? { only } : {}) };
}

/** A command's parameters and steps while its arguments are walked. */
class Draft {
  readonly parameters: Parameter[] = [];
  readonly steps: Step[] = [];
  readonly options: OptionModel[] = [];
  readonly needs: Record<string, string[]> = {};
  flat: FlatPair | undefined;
  private choices = 0;
  /** an optional choice of words that may become a parameter of its own */
  private readonly wordChoices: { name: string; words: string[]; index: number; rows: number }[] = [];

  constructor(
    readonly facts: CallableFacts,
    readonly override: Override,
  ) {}

  walk(): void {
    const args = this.facts.args ?? [];
    args.forEach((argument, index) => this.argument(argument, args.slice(index + 1)));
    this.turnLoneChoiceIntoParameter();
    this.finish();
  }

  private nameOf(argument: ArgumentFacts): string {
    return this.override.names?.[argument.name] ?? camelCase(argument.name);
  }

  private argument(given: ArgumentFacts, rest: readonly ArgumentFacts[]): void {
    const argument = withOwnToken(given);
    if (argument.countOf !== undefined) return;
    if (argument.optional) this.optional(argument, rest);
    else this.required(argument, rest);
  }

  private required(argument: ArgumentFacts, rest: readonly ArgumentFacts[]): void {
    if (isWord(argument)) {
      this.steps.push({ step: 'token', token: argument.token as string });
      return;
    }
    if (argument.token !== undefined && argument.type !== 'oneof') {
      this.steps.push({ step: 'token', token: argument.token });
    }
    if (isValue(argument)) {
      if (argument.multiple) this.many(argument, rest);
      else this.value(argument);
    } else if (isChoiceOfWords(argument) && wordsOf(argument).join() === 'M,KM,FT,MI') this.unit(argument);
    else if (isChoiceOfWords(argument)) {
      const words = wordsOf(argument);
      const name = this.nameOf(argument);
      this.parameters.push({ name, type: union(words) });
      this.steps.push({ step: 'choice', parameter: name, words, ...(argument.token ? { token: argument.token } : {}) });
    } else if (argument.type === 'block' && argument.multiple) this.repeatedBlock(argument, rest);
    else if (argument.type === 'block') {
      const parts = argument.args ?? [];
      parts.forEach((part, index) => this.argument(part, [...parts.slice(index + 1), ...rest]));
    } else this.alternatives(argument);
  }

  /** Redis 6.0 knows units in small letters alone, so they are values, not words. */
  private unit(argument: ArgumentFacts, optional = false): void {
    const name = this.nameOf(argument);
    const { type, check } = KINDS.unit;
    this.parameters.push({ name, type, ...(optional ? { optional } : {}) });
    this.steps.push({ step: 'value', parameter: name, check, ...(optional ? { optional } : {}) });
  }

  /** `(LIB-NAME <name> | LIB-VER <version>)`: the word and the value; `(<id> | $)`: the value. */
  private alternatives(argument: ArgumentFacts): void {
    const parts = argument.args ?? [];
    const values = parts.filter(isValue);
    if (!argument.multiple && values.length === 1 && parts.every((part) => isWord(part) || part === values[0])) {
      this.value(values[0] as ArgumentFacts);
    } else if (values.length === parts.length && parts.every((part) => part.token !== undefined)) {
      const words = parts.map((part) => part.token as string);
      const kind = KINDS[kindOf(parts[0] as ArgumentFacts, this.override)];
      const name = this.nameOf(argument);
      this.parameters.push({ name, type: union(words) }, { name: 'value', type: kind.type });
      this.steps.push(
        { step: 'choice', parameter: name, words },
        { step: 'value', parameter: 'value', check: kind.check },
      );
    } else throw new Unmapped(`${argument.name}: alternatives of different kinds`);
  }

  private value(argument: ArgumentFacts, optional = false): void {
    const kind = KINDS[kindOf(argument, this.override)];
    const name = this.nameOf(argument);
    this.parameters.push({ name, type: kind.type, ...(optional ? { optional } : {}) });
    this.steps.push({ step: 'value', parameter: name, check: kind.check, ...(optional ? { optional } : {}) });
  }

  private many(argument: ArgumentFacts, rest: readonly ArgumentFacts[], optional = false): void {
    const kind = KINDS[kindOf(argument, this.override)];
    const name = this.override.names?.[argument.name] ?? plural(camelCase(argument.name));
    const last = this.isLast(rest);
    const counted = this.countFor(argument.name);
    const keys = argument.type === 'key';
    const form = last ? (optional ? 'optionals' : 'rest') : optional ? 'optionalMany' : 'many';
    if (form === 'optionalMany') throw new Unmapped(`${argument.name}: optional values in the middle`);
    this.parameters.push(
      last
        ? { name, type: `${optional ? 'Optionals' : 'Variadic'}<${kind.type}>`, rest: true }
        : { name, type: `Many<${kind.type}>` },
    );
    this.steps.push({ step: 'many', parameter: name, check: kind.check, form, counted, keys, name });
  }

  /** Nothing follows that would become a parameter. */
  private isLast(rest: readonly ArgumentFacts[]): boolean {
    return rest.length === 0 && this.options.length === 0;
  }

  private countFor(name: string): boolean {
    const search = (args: readonly ArgumentFacts[]): boolean =>
      args.some((argument) => argument.countOf === name || search(argument.args ?? []));
    return search(this.facts.args ?? []);
  }

  private repeatedBlock(argument: ArgumentFacts, rest: readonly ArgumentFacts[]): void {
    const parts = argument.args ?? [];
    if (!parts.every((part) => isValue(part) && !part.optional && part.token === undefined)) {
      throw new Unmapped(`${argument.name}: a repeated block with options`);
    }
    const kinds = parts.map((part) => KINDS[kindOf(part, this.override)]);
    const counted = this.countFor(argument.name);
    const [first, second] = parts;
    const name = this.override.names?.[argument.name] ?? plural(camelCase(argument.name));
    if (parts.length === 2 && first?.type !== 'integer' && first?.type !== 'double') {
      const check = (kinds[1] as { check: string }).check;
      const flat = this.override.flat
        ? {
            names: [camelCase((first as ArgumentFacts).name), camelCase((second as ArgumentFacts).name)] as [
              string,
              string,
            ],
            check,
          }
        : undefined;
      if (flat !== undefined) {
        this.flat = {
          pairs: name,
          names: flat.names,
          types: [(kinds[0] as { type: string }).type, (kinds[1] as { type: string }).type],
        };
      }
      this.parameters.push({ name, type: 'Pairs' });
      this.steps.push({
        step: 'pairs',
        parameter: name,
        check,
        counted,
        keys: first?.type === 'key',
        ...(flat ? { flat } : {}),
      });
      return;
    }
    const labels = parts.map((part, index) => `${camelCase(part.name)}: ${(kinds[index] as { type: string }).type}`);
    const type = `readonly [${labels.join(', ')}]`;
    const last = this.isLast(rest);
    this.parameters.push(last ? { name, type: `Variadic<${type}>`, rest: true } : { name, type: `Many<${type}>` });
    this.steps.push({
      step: 'tuples',
      parameter: name,
      checks: kinds.map(({ check }) => check),
      form: last ? 'rest' : 'many',
      counted,
    });
  }

  // Options ---------------------------------------------------------------------------------------------------------

  private optional(argument: ArgumentFacts, rest: readonly ArgumentFacts[]): void {
    if (this.override.options !== undefined && this.isOption(argument)) {
      this.markOptions();
      return;
    }
    if (isValue(argument) && argument.token === undefined) {
      if (!rest.every((next) => next.optional)) throw new Unmapped(`${argument.name}: optional before required`);
      if (argument.multiple) this.many(argument, rest, true);
      else this.value(argument, true);
      return;
    }
    if (isChoiceOfWords(argument) && wordsOf(argument).join() === 'M,KM,FT,MI') {
      this.unit(argument, true);
      return;
    }
    if (argument.type === 'block' && argument.token === undefined && !argument.multiple) {
      const [head, ...parts] = argument.args ?? [];
      if (head === undefined) throw new Unmapped(`${argument.name}: empty block`);
      if (head.token === undefined) {
        this.optionalBlock(argument, rest);
        return;
      }
      this.row(head);
      for (const part of parts) {
        this.row(part);
        this.needs[this.rowName(part)] = [this.rowName(head)];
      }
      this.markOptions();
      return;
    }
    this.row(argument);
    this.markOptions();
  }

  private isOption(argument: ArgumentFacts): boolean {
    return !(isValue(argument) && argument.token === undefined);
  }

  /** `[start [end [unit]]]`: parameters that may be left out from the end. */
  private optionalBlock(argument: ArgumentFacts, rest: readonly ArgumentFacts[]): void {
    if (rest.length > 0 || argument.multiple) throw new Unmapped(`${argument.name}: optional block in the middle`);
    for (const part of argument.args ?? []) {
      if (part.token !== undefined) throw new Unmapped(`${argument.name}: token in an optional block`);
      if (isValue(part)) this.value(part, true);
      else if (isChoiceOfWords(part)) {
        const name = this.nameOf(part);
        const words = wordsOf(part);
        this.parameters.push({ name, type: union(words), optional: true });
        this.steps.push({ step: 'choice', parameter: name, words, optional: true });
      } else if (part.type === 'block') this.optionalBlock(part, rest);
      else throw new Unmapped(`${argument.name}: ${part.name}`);
    }
  }

  private rowName(argument: ArgumentFacts): string {
    return argument.token ?? argument.name.toUpperCase();
  }

  /** One optional argument as a row, or several, of the option table. */
  private row(argument: ArgumentFacts, choice = 0): void {
    const common = { choice, since: argument.since, only: argument.only };
    const name = this.rowName(argument);
    if (argument.type === 'pure-token') {
      this.options.push({ name, type: 'true', writer: 'flag', ...common });
    } else if (isValue(argument) && argument.token !== undefined) {
      const kind = KINDS[kindOf(argument, this.override)];
      const writer = argument.multipleToken ? 'repeated' : argument.multiple ? 'many' : 'one';
      const type = argument.multiple || argument.multipleToken ? `Many<${kind.type}>` : kind.type;
      this.options.push({
        name,
        type,
        writer: writer === 'one' ? `one${pascalCase(kind.check)}` : `${writer}(arg.${kind.check})`,
        ...common,
        ...(argument.type === 'key' ? { key: true } : {}),
      });
    } else if (isChoiceOfWords(argument)) this.choiceRow(argument, common);
    else if (argument.type === 'oneof' && argument.token === undefined) {
      const group = ++this.choices;
      for (const part of argument.args ?? [])
        this.row({ ...part, ...(part.only || !argument.only ? {} : { only: argument.only }) }, group);
    } else if (argument.type === 'block') this.blockRow(argument, common);
    else throw new Unmapped(`${argument.name}: option of an unknown shape`);
  }

  private choiceRow(argument: ArgumentFacts, common: Pick<OptionModel, 'choice' | 'since' | 'only'>): void {
    const words = wordsOf(argument);
    if (argument.token === undefined) {
      if (words.join() === 'ASC,DESC') {
        this.options.push({ name: 'ORDER', type: union(words), writer: `word('ASC', 'DESC')`, ...common });
        return;
      }
      const choice = ++this.choices;
      this.wordChoices.push({ name: this.nameOf(argument), words, index: this.options.length, rows: words.length });
      for (const part of argument.args ?? []) {
        const { since = argument.since, only = argument.only } = part;
        this.options.push({ name: part.token as string, type: 'true', writer: 'flag', choice, since, only });
      }
    } else if (words.join() === 'YES,NO') {
      this.options.push({ name: argument.token, type: 'boolean', writer: 'yesNo', ...common });
    } else {
      const list = words.map((word) => `'${word}'`).join(', ');
      this.options.push({ name: argument.token, type: union(words), writer: `oneOf(${list})`, ...common });
    }
  }

  private blockRow(argument: ArgumentFacts, common: Pick<OptionModel, 'choice' | 'since' | 'only'>): void {
    const parts = argument.args ?? [];
    const [head, ...others] = parts;
    if (argument.token === undefined && head?.token !== undefined && others.length === 0) {
      this.row({ ...head, ...(argument.only ? { only: argument.only } : {}) }, common.choice);
      return;
    }
    if (argument.token === undefined || !parts.every((part) => isValue(part) && !part.optional && !part.countOf)) {
      throw new Unmapped(`${argument.name}: a block among the options`);
    }
    const kinds = parts.map((part) => KINDS[kindOf(part, this.override)]);
    const name = argument.token;
    if (argument.multiple && parts.length === 2) {
      const check = (kinds[1] as { check: string }).check;
      this.options.push({ name, type: 'Pairs', writer: `repeatedPairs(arg.${check})`, ...common });
      return;
    }
    if (parts.length === 1) {
      const [kind] = kinds as [{ type: string; check: string }];
      this.options.push({ name, type: kind.type, writer: `one${pascalCase(kind.check)}`, ...common });
      return;
    }
    const labels = parts.map((part, index) => `${camelCase(part.name)}: ${(kinds[index] as { type: string }).type}`);
    const checks = kinds.map(({ check }) => `arg.${check}`).join(', ');
    this.options.push({ name, type: `readonly [${labels.join(', ')}]`, writer: `tuple(${checks})`, ...common });
  }

  private markOptions(): void {
    const last = this.steps.at(-1);
    if (last?.step === 'options') return;
    if (this.steps.some(({ step }) => step === 'options')) throw new Unmapped('options in two places');
    this.steps.push({ step: 'options' });
  }

  /** A command whose only option is a choice of words takes the word itself: `flushall('ASYNC')`, `expire(key, 10, 'NX')`. */
  private turnLoneChoiceIntoParameter(): void {
    const [lone] = this.wordChoices;
    if (lone === undefined || this.wordChoices.length > 1 || this.options.length !== lone.rows) return;
    const at = this.steps.findIndex(({ step }) => step === 'options');
    this.options.length = 0;
    this.steps[at] = { step: 'choice', parameter: lone.name, words: lone.words, optional: true };
    this.parameters.push({ name: lone.name, type: union(lone.words), optional: true });
    // What was last among the arguments is no longer: a rest parameter cannot be followed.
    for (const parameter of this.parameters) {
      if (parameter.rest) {
        delete parameter.rest;
        parameter.type = parameter.type.replace(/^Variadic</, 'Many<');
        for (const step of this.steps) {
          if ((step.step === 'many' || step.step === 'tuples') && step.parameter === parameter.name) step.form = 'many';
        }
      }
    }
  }

  private finish(): void {
    const { options } = this.override;
    if (options !== undefined) {
      this.options.push(...options.rows);
      for (const [name, others] of Object.entries(options.needs ?? {})) this.needs[name] = [...others];
    }
    const known = new Set(this.options.map(({ name }) => name));
    for (const { if: given, needs } of this.facts.constraints ?? []) {
      const others = needs?.split('|') ?? [];
      if (given === undefined || others.length === 0 || !others.every((name) => known.has(name))) continue;
      for (const name of given.split('|')) if (known.has(name)) this.needs[name] = others;
    }
    if (this.options.length === 0) return;
    this.parameters.push({ name: 'options', type: `${pascalCase(this.facts.method)}Options`, optional: true });
  }
}

/** At most one of each choice, and the rest. */
function optionsTypeOf(options: readonly OptionModel[]): string {
  const groups = new Map<number, OptionModel[]>();
  for (const option of options) groups.set(option.choice, [...(groups.get(option.choice) ?? []), option]);
  const parts: string[] = [];
  for (const [choice, rows] of groups) {
    const members = rows.map((row) => {
      const note = row.since !== undefined || row.only !== undefined ? noteOf(row) : '';
      const name = /^\w+$/.test(row.name) ? row.name : `'${row.name}'`;
      return `${note}  ${name}${choice === 0 ? '?' : ''}: ${row.type};\n`;
    });
    const body = `{\n${members.join('')}}`;
    parts.push(choice === 0 ? body : rows.length === 1 ? body.replace(/: /, '?: ') : `AtMostOne<${body}>`);
  }
  return parts.join(' & ');
}

const SERVER_NAMES = { redis: 'Redis', valkey: 'Valkey' };

function noteOf({ since, only }: OptionModel): string {
  const server = only ? `${SERVER_NAMES[only]} only` : '';
  const version = since ? `since ${since}` : '';
  return `  /** ${[server, version].filter(Boolean).join(', ')} */\n`;
}

function conditionsOf(facts: CallableFacts, override: Override): ReplyCase[] {
  if (override.reply !== undefined) return [{ when: undefined, reply: override.reply }];
  if (override.replies !== undefined) {
    return Object.entries(override.replies).map(([when, reply]) => ({
      when: when === 'else' ? undefined : when,
      reply,
    }));
  }
  const cases = facts.replyCases ?? [{ when: 'else', reply: facts.reply }];
  const models: ReplyCase[] = cases.map(({ when, reply }) => {
    const model = replyOf(reply, facts);
    if (model === undefined) throw new Unmapped(`reply ${reply}`);
    return { when: when === 'else' ? undefined : when, reply: model };
  });
  return models;
}

/** Where keys stand when that does not depend on the call: one expression for the spec. */
export function fixedKeys(facts: CallableFacts): string | undefined {
  const words = facts.name.split(' ').length;
  const ranges: { from: number; to: number; step: number }[] = [];
  for (const { begin, find, flags } of facts.keySpecs ?? []) {
    // A shard channel, a cursor: it chooses the slot and is no key all the same.
    if (flags.includes('not_key')) continue;
    // The patterns of SORT lead to keys that nobody can list; what STORE names is one that moves.
    if (
      (begin as unknown) === 'unknown' &&
      !facts.args?.some(({ type, token }) => type === 'key' && token !== undefined)
    )
      continue;
    if (begin.index === undefined || find.range === undefined) return undefined;
    const from = begin.index - words;
    const [last, step] = find.range;
    const to = last < 0 ? last : from + last;
    const previous = ranges.at(-1);
    if (previous && previous.step === 1 && step === 1 && previous.to >= 0 && previous.to + 1 === from) previous.to = to;
    else ranges.push({ from, to, step });
  }
  const text = JSON.stringify(ranges);
  if (text === '[]') return 'NO_KEYS';
  if (text === '[{"from":0,"to":0,"step":1}]') return 'FIRST';
  if (text === '[{"from":0,"to":1,"step":1}]') return 'FIRST_TWO';
  if (text === '[{"from":0,"to":-1,"step":1}]') return 'ALL';
  return `[${ranges.map(({ from, to, step }) => `{ from: ${from}, to: ${to}, step: ${step} }`).join(', ')}]`;
}

function replayCasesOf(facts: CallableFacts, options: readonly OptionModel[]): CommandModel['replayCases'] {
  const known = new Set(options.map(({ name }) => name));
  return (facts.rt.retryIf ?? []).flatMap(({ when, retry }) => {
    const absent = when.startsWith('!');
    const names = when.split(/[|&]/).map((name) => name.replace('!', ''));
    return names.every((name) => known.has(name)) ? [{ options: names, absent, replay: retry }] : [];
  });
}

/** All overloads of a command: without a parameter and with it, and for each combination of options that changes the reply. */
function signaturesOf(
  parameters: Parameter[],
  replies: readonly ReplyCase[],
  byPresence: string | undefined,
  optionsType: string,
  options: readonly OptionModel[],
): CommandModel['signatures'] {
  if (replies.length === 1) return [{ parameters, reply: (replies[0] as ReplyCase).reply.type }];
  if (byPresence !== undefined) {
    const [without, withIt] = replies as [ReplyCase, ReplyCase];
    return [
      { parameters: parameters.filter(({ name }) => name !== byPresence), reply: without.reply.type },
      {
        parameters: parameters.map((parameter) =>
          parameter.name === byPresence ? { name: parameter.name, type: parameter.type } : parameter,
        ),
        reply: withIt.reply.type,
      },
    ];
  }
  const named = replies.filter((one) => one.when !== undefined);
  const fallback = replies.find((one) => one.when === undefined);
  const signatures: CommandModel['signatures'] = [];
  const withOptions = (type: string, optional: boolean): Parameter[] =>
    parameters.map((parameter) =>
      parameter.name === 'options' ? { name: 'options', type, ...(optional ? { optional } : {}) } : parameter,
    );
  const member = (name: string): string => `${name}: ${options.find((option) => option.name === name)?.type}`;
  const excluded: string[] = [];
  const given: CommandModel['signatures'] = [];
  for (const { when, reply } of named) {
    const names = (when as string).split(/[|&]/);
    const all = (when as string).includes('&');
    const present = all
      ? `{ ${names.map(member).join('; ')} }`
      : names.map((name) => `{ ${member(name)} }`).join(' | ');
    const absent = excluded.filter((name) => !names.includes(name));
    const none = absent.length > 0 ? ` & Without<${union(absent)}>` : '';
    given.push({
      parameters: withOptions(`${optionsType} & ${names.length > 1 && !all ? `(${present})` : present}${none}`, false),
      reply: reply.type,
    });
    excluded.push(...names.filter((name) => !excluded.includes(name)));
  }
  if (fallback !== undefined) {
    signatures.push({
      parameters: withOptions(`${optionsType} & Without<${union(excluded)}>`, true),
      reply: fallback.reply.type,
    });
  }
  signatures.push(...given);
  const types = [...(fallback ? [fallback] : []), ...named].map(({ reply }) => reply.type);
  signatures.push({ parameters: withOptions(optionsType, true), reply: unionOf(types) });
  return signatures;
}

/** A union without repetitions, `null` at its end. */
function unionOf(types: readonly string[]): string {
  const members = new Set(types.flatMap((type) => type.split(/ \| (?![^[{(]*[\]})])/)));
  const sorted = [...members].filter((member) => member !== 'null');
  return [...sorted, ...(members.has('null') ? ['null'] : [])].join(' | ');
}

const FILES: Readonly<Record<string, string>> = { module: 'vector-set' };

/** The models of one command: one, or two where an override adds a method. */
export function buildModels(facts: CallableFacts): CommandModel[] {
  const override = OVERRIDES[facts.name] ?? {};
  const model = buildModel(facts, override);
  if (override.also === undefined) return [model];
  const also = { ...model, ...specialModel(override.also), method: override.also.method, sharesSpec: true };
  return [model, also];
}

function buildModel(facts: CallableFacts, override: Override): CommandModel {
  const common = {
    facts,
    method: facts.method,
    constant: constantCase(facts.name),
    file: FILES[facts.group] ?? facts.group,
    keys: fixedKeys(facts),
  };
  if (override.special !== undefined) return { ...common, ...specialModel(override.special), replies: [] };
  const draft = new Draft(facts, override);
  draft.walk();
  const replies = conditionsOf(facts, override);
  const [first] = replies;
  const byPresence = first?.when?.startsWith('!') ? camelCase(first.when.slice(1)) : undefined;
  const optionsName = `${pascalCase(facts.method)}Options`;
  if (byPresence !== undefined && !draft.parameters.some(({ name, optional }) => name === byPresence && optional)) {
    throw new Unmapped(`reply by presence of ${byPresence}`);
  }
  for (const one of replies) {
    if (one.when === undefined || byPresence !== undefined) continue;
    for (const name of one.when.split(/[|&]/)) {
      if (!draft.options.some((option) => option.name === name))
        throw new Unmapped(`reply by ${name}, which is no option`);
    }
  }
  const signatures = signaturesOf(draft.parameters, replies, byPresence, optionsName, draft.options);
  return {
    ...common,
    signatures:
      draft.flat === undefined
        ? signatures
        : signatures.flatMap((one) => [one, flattened(one, draft.flat as FlatPair)]),
    implementation: draft.flat === undefined ? draft.parameters : widened(draft.parameters, draft.flat),
    steps: draft.steps,
    options: draft.options,
    optionsType: draft.options.length === 0 ? undefined : (override.options?.type ?? optionsTypeOf(draft.options)),
    needs: draft.needs,
    exclusive: (facts.constraints ?? []).flatMap(({ exclusive }) => {
      const names = exclusive?.split('|') ?? [];
      return names.length > 0 && names.every((name) => draft.options.some((option) => option.name === name))
        ? [names]
        : [];
    }),
    replies,
    byPresence,
    special: undefined,
    replayCases: replayCasesOf(facts, draft.options),
    replayWhen: override.replay,
    variants: [],
    sharesSpec: false,
  };
}

/** `(key: Key, count?: number): S[]` → parameters and reply. */
function parseSignature(text: string): { parameters: Parameter[]; reply: string } {
  const close = closingParenthesis(text);
  const reply = text.slice(close + 1).replace(/^:\s*/, '');
  return { parameters: parseParameters(text.slice(1, close)), reply };
}

function closingParenthesis(text: string): number {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '(') depth++;
    else if (text[i] === ')' && --depth === 0) return i;
  }
  throw new Error(`no parameters in ${text}`);
}

function parseParameters(text: string): Parameter[] {
  const parts: string[] = [];
  let depth = 0;
  let part = '';
  for (let i = 0; i < text.length; i++) {
    const char = text[i] as string;
    if ('([{<'.includes(char)) depth++;
    else if (')]}'.includes(char) || (char === '>' && text[i - 1] !== '=')) depth--;
    if (char === ',' && depth === 0) {
      parts.push(part);
      part = '';
    } else part += char;
  }
  if (part.trim() !== '') parts.push(part);
  return parts.map((one) => {
    const match = /^(\.\.\.)?(\w+)(\?)?: ([^]*)$/.exec(one.trim());
    if (match === null) throw new Error(`not a parameter: ${one}`);
    const [, rest, name = '', optional, type = ''] = match;
    return { name, type, ...(rest ? { rest: true } : {}), ...(optional ? { optional: true } : {}) };
  });
}

function specialModel(
  special: Special,
): Omit<CommandModel, 'facts' | 'method' | 'constant' | 'file' | 'keys' | 'replies'> {
  const signatures = special.signatures.map(parseSignature);
  const [only] = signatures;
  return {
    signatures,
    implementation:
      special.parameters === undefined ? (only as Signature).parameters : parseParameters(special.parameters),
    steps: [],
    options: [],
    optionsType: undefined,
    needs: {},
    exclusive: [],
    byPresence: undefined,
    special: special.builder,
    replayCases: [],
    replayWhen: undefined,
    variants: special.variants ?? [],
    sharesSpec: false,
  };
}

export { onStrings };

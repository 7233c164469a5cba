// From a grammar to parameters and steps. The rules: positional arguments keep their order, options go to one object at the end,
// counts disappear, required tokens are implied, a required choice of words is a union of literals.

import { EMPTY } from './empty';
import type { ArgumentFacts, CallableFacts } from './facts';
import { isChoiceOfWords, isUnit, isValue, isWord, kindOf, union, Unmapped, withOwnToken, wordsOf } from './grammar';
import { KINDS, type Parameter, type Step } from './model';
import { camelCase, pascalCase, plural } from './names';
import { OptionRows } from './option-rows';
import type { Override } from './overrides';
import type { FlatPair } from './signatures';

/** A command's parameters and steps while its arguments are walked. */
export class Draft {
  readonly parameters: Parameter[] = [];
  readonly steps: Step[] = [];
  readonly options: OptionRows;
  flat: FlatPair | undefined;

  constructor(
    readonly facts: CallableFacts,
    readonly override: Override,
  ) {
    this.options = new OptionRows(override);
  }

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
    } else if (isUnit(argument)) this.unit(argument);
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
    if (optional && !last) throw new Unmapped(`${argument.name}: optional values in the middle`);
    const form = last ? (optional ? 'optionals' : 'rest') : 'many';
    const none = optional || EMPTY[this.facts.name] !== undefined;
    this.parameters.push(
      last
        ? { name, type: `${none ? 'Optionals' : 'Variadic'}<${kind.type}>`, rest: true }
        : { name, type: `Many<${kind.type}>` },
    );
    this.steps.push({ step: 'many', parameter: name, check: kind.check, form, counted, keys, name });
  }

  /** Nothing follows that would become a parameter. */
  private isLast(rest: readonly ArgumentFacts[]): boolean {
    return rest.length === 0 && this.options.rows.length === 0;
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
    const [first] = parts;
    const name = this.override.names?.[argument.name] ?? plural(camelCase(argument.name));
    if (parts.length === 2 && first?.type !== 'integer' && first?.type !== 'double') {
      const check = (kinds[1] as { check: string }).check;
      this.parameters.push({ name, type: 'Pairs' });
      const step = { step: 'pairs', parameter: name, check, counted, keys: first?.type === 'key' } as const;
      if (!this.override.flat) {
        this.steps.push(step);
        return;
      }
      const names = parts.map((part) => camelCase(part.name)) as [string, string];
      this.flat = { pairs: name, names, types: kinds.map(({ type }) => type) as [string, string] };
      this.steps.push({ ...step, flat: { names, check } });
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
    if (isUnit(argument)) {
      this.unit(argument, true);
      return;
    }
    if (argument.type === 'block' && argument.token === undefined && !argument.multiple) {
      const parts = argument.args ?? [];
      if (parts[0]?.token === undefined) {
        this.optionalBlock(argument, rest);
        return;
      }
      this.options.addBlock(parts);
    } else this.options.add(argument);
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

  private markOptions(): void {
    const last = this.steps.at(-1);
    if (last?.step === 'options') return;
    if (this.steps.some(({ step }) => step === 'options')) throw new Unmapped('options in two places');
    this.steps.push({ step: 'options' });
  }

  /** A command whose only option is a choice of words takes the word itself: `flushall('ASYNC')`, `expire(key, 10, 'NX')`. */
  private turnLoneChoiceIntoParameter(): void {
    const [lone, ...others] = this.options.wordChoices;
    if (lone === undefined || others.length > 0 || this.options.rows.length !== lone.words.length) return;
    const name = this.nameOf(lone.argument);
    this.options.rows.length = 0;
    const at = this.steps.findIndex(({ step }) => step === 'options');
    this.steps[at] = { step: 'choice', parameter: name, words: lone.words, optional: true };
    // What was last among the arguments is no longer: a rest parameter cannot be followed.
    for (const parameter of this.parameters) if (parameter.rest) this.takeAsOne(parameter);
    this.parameters.push({ name, type: union(lone.words), optional: true });
  }

  private takeAsOne(parameter: Parameter): void {
    delete parameter.rest;
    parameter.type = parameter.type.replace(/^Variadic</, 'Many<');
    for (const step of this.steps) {
      if ((step.step === 'many' || step.step === 'tuples') && step.parameter === parameter.name) step.form = 'many';
    }
  }

  private finish(): void {
    const { rows, needs } = this.options;
    const { options: given } = this.override;
    if (given !== undefined) {
      rows.push(...given.rows);
      for (const [name, others] of Object.entries(given.needs ?? {})) needs[name] = [...others];
    }
    const known = new Set(rows.map(({ name }) => name));
    for (const { if: names, needs: needed } of this.facts.constraints ?? []) {
      const others = needed?.split('|') ?? [];
      if (names === undefined || others.length === 0 || !others.every((name) => known.has(name))) continue;
      for (const name of names.split('|')) if (known.has(name)) needs[name] = others;
    }
    if (rows.length === 0) return;
    this.parameters.push({ name: 'options', type: `${pascalCase(this.facts.method)}Options`, optional: true });
  }
}

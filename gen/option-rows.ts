// Optional arguments as rows of an option table, and the type of the options object.

import { availabilityOf } from './docs';
import type { ArgumentFacts } from './facts';
import { isChoiceOfWords, isValue, kindOf, union, Unmapped, wordsOf } from './grammar';
import { KINDS, type OptionModel } from './model';
import { camelCase, pascalCase } from './names';
import type { Override } from './overrides';

type Common = Pick<OptionModel, 'choice' | 'since' | 'only'>;

/** The options of one command, in the order of its grammar. */
export class OptionRows {
  readonly rows: OptionModel[] = [];
  readonly needs: Record<string, string[]> = {};
  /** optional choices of words, which may become parameters of their own */
  readonly wordChoices: { argument: ArgumentFacts; words: string[] }[] = [];
  private choices = 0;

  constructor(private readonly override: Override) {}

  /** A block without a token of its own is all its parts; those after the first need the first. */
  addBlock([head, ...parts]: readonly ArgumentFacts[]): void {
    if (head === undefined) throw new Unmapped('an empty block');
    this.add(head);
    for (const part of parts) {
      this.add(part);
      this.needs[nameOf(part)] = [nameOf(head)];
    }
  }

  /** One optional argument as a row, or as several. */
  add(argument: ArgumentFacts, choice = 0): void {
    const common = { choice, since: argument.since, only: argument.only };
    if (argument.type === 'pure-token')
      this.rows.push({ name: nameOf(argument), type: 'boolean', writer: 'flag', ...common });
    else if (isValue(argument) && argument.token !== undefined) this.addValue(argument, common);
    else if (isChoiceOfWords(argument)) this.addWords(argument, common);
    else if (argument.type === 'oneof' && argument.token === undefined) {
      const group = ++this.choices;
      for (const part of argument.args ?? []) this.add(withServer(part, argument), group);
    } else if (argument.type === 'block') this.addTuple(argument, common);
    else throw new Unmapped(`${argument.name}: option of an unknown shape`);
  }

  private addValue(argument: ArgumentFacts, common: Common): void {
    const { type, check } = KINDS[kindOf(argument, this.override)];
    const several = argument.multiple || argument.multipleToken;
    this.rows.push({
      name: nameOf(argument),
      type: several ? `Many<${type}>` : type,
      writer: several ? `${argument.multipleToken ? 'repeated' : 'many'}(arg.${check})` : `one${pascalCase(check)}`,
      ...common,
      ...(argument.type === 'key' ? { key: true } : {}),
    });
  }

  /** `AGGREGATE SUM | MIN`: a word as the value; `NX | XX`: flags that exclude each other; `ASC | DESC`: ORDER. */
  private addWords(argument: ArgumentFacts, common: Common): void {
    const words = wordsOf(argument);
    const list = words.map((word) => `'${word}'`).join(', ');
    if (argument.token !== undefined) {
      const isYesNo = words.join() === 'YES,NO';
      const type = isYesNo ? 'boolean' : union(words);
      this.rows.push({ name: argument.token, type, writer: isYesNo ? 'yesNo' : `oneOf(${list})`, ...common });
    } else if (words.join() === 'ASC,DESC') {
      this.rows.push({ name: 'ORDER', type: union(words), writer: `word(${list})`, ...common });
    } else {
      const choice = ++this.choices;
      this.wordChoices.push({ argument, words });
      for (const part of argument.args ?? []) {
        const { since = argument.since, only = argument.only } = part;
        this.rows.push({ name: nameOf(part), type: 'boolean', writer: 'flag', choice, since, only });
      }
    }
  }

  /** `LIMIT offset count`: a tuple; `CONFIG name value …`: pairs; `REDUCE dim`: a value. */
  private addTuple(argument: ArgumentFacts, common: Common): void {
    const parts = argument.args ?? [];
    const [head, ...others] = parts;
    const { token: name } = argument;
    if (name === undefined && head?.token !== undefined && others.length === 0) {
      this.add(withServer(head, argument), common.choice);
      return;
    }
    if (name === undefined || !parts.every((part) => isValue(part) && !part.optional && !part.countOf)) {
      throw new Unmapped(`${argument.name}: a block among the options`);
    }
    const kinds = parts.map((part) => ({ part, ...KINDS[kindOf(part, this.override)] }));
    const [first, second] = kinds;
    if (first === undefined) throw new Unmapped(`${argument.name}: an empty block`);
    if (argument.multiple && kinds.length === 2 && second !== undefined) {
      this.rows.push({ name, type: 'Pairs', writer: `repeatedPairs(arg.${second.check})`, ...common });
    } else if (second === undefined) {
      this.rows.push({ name, type: first.type, writer: `one${pascalCase(first.check)}`, ...common });
    } else {
      const type = `readonly [${kinds.map(({ part, type: one }) => `${camelCase(part.name)}: ${one}`).join(', ')}]`;
      this.rows.push({
        name,
        type,
        writer: `tuple(${kinds.map(({ check }) => `arg.${check}`).join(', ')})`,
        ...common,
      });
    }
  }
}

function nameOf(argument: ArgumentFacts): string {
  return argument.token ?? argument.name.toUpperCase();
}

/** A part is known to no more servers than the whole. */
function withServer(part: ArgumentFacts, { only }: ArgumentFacts): ArgumentFacts {
  return only === undefined || part.only !== undefined ? part : { ...part, only };
}

/** All options, and of each choice at most one. */
export function optionsTypeOf(options: readonly OptionModel[], exclusive: readonly (readonly string[])[]): string {
  const groups = new Map<number, string[]>();
  for (const { choice, name } of options) groups.set(choice, [...(groups.get(choice) ?? []), name]);
  groups.delete(0);
  const members = options.map((row) => {
    const availability = availabilityOf(row);
    const note = availability === '' ? '' : `  /** ${availability} */\n`;
    const name = /^\w+$/.test(row.name) ? row.name : `'${row.name}'`;
    return `${note}  ${name}?: ${row.type} | undefined;\n`;
  });
  const choices = [...groups.values(), ...exclusive].filter((names) => names.length > 1);
  return [`{\n${members.join('')}}`, ...choices.map((names) => `AtMostOne<${union(names)}>`)].join(' & ');
}

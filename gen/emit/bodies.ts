// What stands between the braces of a builder.

import { EMPTY, NONE_IS_NO_LIST, ONE_EACH } from '../empty';
import type { CommandModel, ReplyCase, Step } from '../model';
import { BINARY_WITH } from '../spec-facts';
import { list, WIDTH } from './text';

export function emitBody(model: CommandModel, overloaded: boolean): string {
  const { constant, steps, special } = model;
  if (special !== undefined) {
    const specs = [constant, ...model.variants.map((replay) => replaySpec(constant, replay))];
    const passed = model.implementation.map(({ name, rest }) => (rest ? `...${name}` : name));
    const made = `special.${special}${list('(', [...specs, ...passed], ')', '  ', `  return special.${special}() as Command<never, never>;`)}`;
    return `  return ${made}${overloaded ? ' as Command<never, never>' : ''};\n`;
  }
  const simple = steps.findIndex((step) => expression(step, constant) === undefined);
  const leading = (simple < 0 ? steps : steps.slice(0, simple)).flatMap(
    (step) => expression(step, constant) as string[],
  );
  if (simple < 0) return emitReturn(model, overloaded, list('[', leading, ']', '    ', '    ,'), undefined);
  const rest = steps.slice(simple);
  const movable = model.keys === undefined;
  const lines = [`  const out: Arg[] = ${list('[', leading, ']', '  ', '  const out: Arg[] = ')};\n`];
  if (movable)
    lines.push(
      ...(fixedKeysBefore(steps, simple)
        ? [`  const places: KeyRange[] = [{ from: 0, to: 0, step: 1 }];\n`]
        : ['  const places: KeyRange[] = [];\n']),
    );
  const optional = rest.flatMap((step) => ('optional' in step && step.optional ? [step.parameter] : []));
  if (optional.length > 1) lines.push(`  arg.inOrder({ ${optional.join(', ')} }, ${constant});\n`);
  const decidedByOptions = model.replayWhen === undefined || /\boptions\b/.test(model.replayWhen.when);
  if (rest.length === 1 && rest[0]?.step === 'options' && model.replies.length > 1 && decidedByOptions) {
    lines.push(emitFastPath(model), ...emitWithOptions(model));
    return `${lines.join('')}${emitReturn(model, overloaded, 'out', movable ? 'places' : undefined)}`;
  }
  for (const step of rest) lines.push(emitStep(step, model, movable));
  lines.push(emitReturn(model, overloaded, 'out', movable ? 'places' : undefined));
  return lines.join('');
}

/** Whether a key stands first, before those that move. */
function fixedKeysBefore(steps: readonly Step[], end: number): boolean {
  const [first] = steps.slice(0, end);
  return first?.step === 'value' && first.check === 'text';
}

/** What a step adds when it always adds the same number of arguments. */
function expression(step: Step, constant: string): string[] | undefined {
  switch (step.step) {
    case 'token':
      return [`'${step.token}'`];
    case 'value':
      if (step.optional) return undefined;
      return [`arg.${step.check}(${step.parameter}, ${constant}, '${step.parameter}')`];
    case 'choice': {
      if (step.optional) return undefined;
      const words = step.words.map((word) => `'${word}'`).join(', ');
      return [
        ...(step.token ? [`'${step.token}'`] : []),
        `arg.choice(${step.parameter}, [${words}], ${constant}, '${step.parameter}')`,
      ];
    }
    default:
      return undefined;
  }
}

function emitStep(step: Step, model: CommandModel, movable: boolean): string {
  const { constant } = model;
  const simple = expression(step, constant);
  if (simple !== undefined) return `  out.push(${simple.join(', ')});\n`;
  switch (step.step) {
    case 'value':
    case 'choice': {
      const [value] = expression({ ...step, optional: false }, constant) as [string];
      return `  if (${step.parameter} !== undefined) out.push(${value});\n`;
    }
    case 'many':
    case 'pairs':
    case 'tuples':
      return emitList(step, model, movable && step.step !== 'tuples' && step.keys);
    case 'options':
      return emitOptionsStep(model);
    default:
      throw new Error(`no way to emit ${step.step}`);
  }
}

type ListStep = Extract<Step, { step: 'many' | 'pairs' | 'tuples' }>;

/** Appends a list; where an empty one has a reply of its own, nothing is sent for it. */
function emitList(step: ListStep, model: CommandModel, withKeys: boolean): string {
  const empty = EMPTY[model.facts.name];
  const call = listCall(step, model, empty !== undefined);
  const width = step.step === 'pairs' ? 2 : 1;
  if (empty === undefined) return withKeys ? keysAfter(`  const count = ${call};\n`, width) : `  ${call};\n`;
  const answer = model.signatures.length > 1 ? `${empty} as never` : empty;
  const answered = `new AnsweredCommand(${model.constant}, out, ${answer})`;
  const counted = `  const count = ${call};\n  if (count === 0) return ${answered};\n`;
  if (withKeys) return keysAfter(counted, width);
  if (ONE_EACH.has(model.facts.name)) return counted;
  // Nothing given is no empty list.
  if (NONE_IS_NO_LIST.has(model.facts.name) && step.step === 'many')
    return `  if (${call} === 0 && ${step.parameter}.length > 0) return ${answered};\n`;
  return `  if (${call} === 0) return ${answered};\n`;
}

function listCall(step: ListStep, { constant }: CommandModel, any: boolean): string {
  switch (step.step) {
    case 'many': {
      const counted = any ? 'pushAnyCounted' : 'pushCounted';
      const push = {
        many: any ? 'pushAny' : 'pushMany',
        rest: any ? 'pushOptionals' : 'pushRest',
        optionals: 'pushOptionals',
      };
      const values = step.counted && step.form === 'rest' ? `arg.fromRest(${step.parameter})` : step.parameter;
      return `arg.${step.counted ? counted : push[step.form]}(out, ${values}, arg.${step.check}, ${constant}, '${step.name}')`;
    }
    case 'pairs': {
      if (step.flat !== undefined) {
        const [first, second] = step.flat.names;
        const names = `['${step.parameter}', '${first}', '${second}']`;
        return `arg.${any ? 'pushAnyPairsOrPair' : 'pushPairsOrPair'}(out, ${step.parameter}, ${second}, arg.${step.check}, ${constant}, ${names})`;
      }
      const push = step.counted ? 'pushCountedPairs' : any ? 'pushAnyPairs' : 'pushPairs';
      return `arg.${push}(out, ${step.parameter}, arg.${step.check}, ${constant}, '${step.parameter}')`;
    }
    case 'tuples': {
      const checks = step.checks.map((check) => `arg.${check}`).join(', ');
      const push = step.form === 'rest' ? 'pushRestTuples' : any ? 'pushAnyTuples' : 'pushTuples';
      return `arg.${push}(out, ${step.parameter}, [${checks}], ${constant}, '${step.parameter}')`;
    }
  }
}

/** Without options nothing has to be decided: the hot path of SET, ZRANGE and the like. */
function emitFastPath(model: CommandModel): string {
  const absent = model.replayCases.find((one) => one.absent);
  const spec = absent === undefined ? model.constant : replaySpec(model.constant, absent.replay);
  const fallback = (model.replies.find(({ when }) => when === undefined) ?? model.replies.at(-1)) as ReplyCase;
  const reader = fallback.reply.reader.replace(/^(\w+)/, 'reply.$1');
  const before = '  if (options === undefined) return ';
  return `${before}${madeCommand(spec, 'out', reader, model.keys === undefined ? 'places' : undefined, true, before)};\n`;
}

function emitWithOptions(model: CommandModel): string[] {
  const key = model.options.filter((option) => option.key).map(({ name }) => `'${name}'`);
  const position = '{ from: out.length - 1, to: out.length - 1, step: 1 }';
  return [
    `  opt.pushOptions(out, options, ${model.constant}_OPTIONS, ${model.constant});\n`,
    ...(key.length === 0 ? [] : [`  if (opt.has(options, ${key.join(', ')})) places.push(${position});\n`]),
  ];
}

function keysAfter(counted: string, step: number): string {
  const count = step === 1 ? 'count' : `${step} * count`;
  return `${counted}  places.push({ from: out.length - ${count}, to: out.length - 1, step: ${step} });\n`;
}

function emitOptionsStep(model: CommandModel): string {
  const key = model.options.filter((option) => option.key);
  const write = `opt.pushOptions(out, options, ${model.constant}_OPTIONS, ${model.constant});`;
  if (key.length === 0) return `  if (options !== undefined) ${write}\n`;
  // A key among the options stands at their end, as the grammar has it.
  const names = key.map(({ name }) => `'${name}'`).join(', ');
  const position = '{ from: out.length - 1, to: out.length - 1, step: 1 }';
  return `  if (options !== undefined) {\n    ${write}\n    if (opt.has(options, ${names})) places.push(${position});\n  }\n`;
}

function emitReturn(model: CommandModel, overloaded: boolean, args: string, keys: string | undefined): string {
  const lines: string[] = [];
  const chosen = emitSpecChoice(model);
  if (chosen !== model.constant) lines.push(`${conditional('  const spec = ', chosen)};\n`);
  let spec = chosen === model.constant ? chosen : 'spec';
  const binaryWith = BINARY_WITH[model.facts.name];
  if (binaryWith !== undefined) {
    lines.push(`  const spec = opt.has(options, '${binaryWith}') ? ${model.constant}_BINARY : ${model.constant};\n`);
    spec = 'spec';
  }
  let reader = readerOf(model.replies, model.byPresence);
  if (ONE_EACH.has(model.facts.name)) reader = `reply.oneEach(count, ${reader})`;
  if (reader.includes(' ? ') && madeCommand(spec, args, reader, keys, overloaded).includes('\n')) {
    lines.push(`${conditional('  const read = ', reader)};\n`);
    reader = 'read';
  }
  return `${lines.join('')}  return ${madeCommand(spec, args, reader, keys, overloaded)};\n`;
}

/** Which of a command's specs fits the call: what a repetition does may depend on options, and on arguments. */
function emitSpecChoice({ constant, replayCases, replayWhen }: CommandModel): string {
  const general =
    replayWhen === undefined
      ? constant
      : `${replayWhen.when} ? ${replaySpec(constant, replayWhen.replay)} : ${constant}`;
  return replayCases.reduceRight((otherwise, { options, absent, replay }) => {
    const given = `opt.has(options, ${options.map((name) => `'${name}'`).join(', ')})`;
    const variant = replaySpec(constant, replay);
    if (!absent) return `${given} ? ${variant} : ${otherwise}`;
    // A chain reads best when its last part is the longest.
    return otherwise === constant ? `${given} ? ${constant} : ${variant}` : `!${given} ? ${variant} : ${otherwise}`;
  }, general);
}

/** `new Command(GET, [...], reply.readText)`, its arguments on lines of their own where one line is too short. */
function madeCommand(
  spec: string,
  args: string,
  reader: string,
  keys: string | undefined,
  overloaded: boolean,
  before = '  return ',
): string {
  const cast = overloaded ? ' as Command<never, never>' : '';
  const parts = [spec, args, reader, ...(keys === undefined ? [] : [keys])];
  const made = list('(', parts, ')', '  ', `${before}new Command${overloaded ? '<unknown>' : ''};${cast}`);
  return `new Command${overloaded ? '<unknown>' : ''}${made}${cast}`;
}

/** `a ? b : c ? d : e` on one line where it fits, else each condition on a line of its own. */
function conditional(before: string, chain: string): string {
  if (before.length + chain.length < WIDTH) return `${before}${chain}`;
  const parts = chain.split(/ (?=[?:] )/);
  let depth = 1;
  const lines = parts.slice(1).map((part, index) => {
    const line = `${'  '.repeat(depth + 1)}${part}`;
    if (part.startsWith(':') && index < parts.length - 2) depth++;
    return line;
  });
  return `${before}${[parts[0], ...lines].join('\n')}`;
}

function readerOf(replies: readonly ReplyCase[], byPresence: string | undefined): string {
  const qualified = replies.map(({ reply }) => reply.reader.replace(/^(\w+)/, 'reply.$1'));
  if (replies.length === 1) return qualified[0] as string;
  if (byPresence !== undefined) return `${byPresence} === undefined ? ${qualified[0]} : ${qualified[1]}`;
  const named = replies.map((one, index) => ({ when: one.when, reader: qualified[index] as string }));
  const fallback = named.find(({ when }) => when === undefined)?.reader ?? (named.at(-1) as { reader: string }).reader;
  return named
    .filter(({ when }) => when !== undefined)
    .reduceRight((otherwise, { when, reader }) => {
      const names = (when as string).split(/[|&]/).map((name) => `'${name}'`);
      const given = (when as string).includes('&')
        ? names.map((name) => `opt.has(options, ${name})`).join(' && ')
        : `opt.has(options, ${names.join(', ')})`;
      return `${given} ? ${reader} : ${otherwise}`;
    }, fallback);
}

/** The name of a spec for when options change what a repetition does. */
export function replaySpec(constant: string, replay: string): string {
  return `${constant}_${replay.toUpperCase()}`;
}

// `src/commands/generated/<group>.ts`: specs, option tables and builders.

import type { CommandModel, Parameter, ReplyCase, Step } from '../model';
import { onStrings } from '../replies';
import { specFields } from '../spec-facts';
import { builderDoc } from './docs';
import { HEADER, imports, list, WIDTH } from './text';

/** The source of one group's file. */
export function emitGroup(models: readonly CommandModel[]): string {
  const body = models.map(emitCommand).join('\n');
  return [
    HEADER,
    '\n',
    imports(body, '../command', ['Command'], false),
    imports(body, '../command', ['Arg', 'KeyRange', 'ReplyReader'], true),
    /\barg\./.test(body) ? `import * as arg from '../arguments';\n` : '',
    imports(body, '../arguments', ['Key', 'Str', 'Many', 'Variadic', 'Optionals', 'Pairs'], true),
    imports(body, '../define-spec', ['defineSpec', 'withReplay', 'ALL', 'FIRST', 'FIRST_TWO'], false),
    /\bopt\./.test(body) ? `import * as opt from '../option-table';\n` : '',
    imports(body, '../option-table', ['AtMostOne', 'One', 'Without'], true),
    /\breply\./.test(body) ? `import * as reply from '../replies';\n` : '',
    imports(body, '../replies/types', REPLY_TYPES, true),
    /\bspecial\./.test(body) ? `import * as special from '../special';\n` : '',
    imports(body, '../special/types', SPECIAL_TYPES, true),
    '\n',
    body,
    evalExport(models),
  ].join('');
}

/** `eval` may not be the name of a function in a module, but may be exported as one. */
function evalExport(models: readonly CommandModel[]): string {
  return models.some(({ method }) => method === 'eval') ? `\nexport { evalScript as eval };\n` : '';
}

/** The identifier of a builder within its file. */
export function identifier({ method }: CommandModel): string {
  return method === 'eval' ? 'evalScript' : method;
}

function emitCommand(model: CommandModel): string {
  return [model.sharesSpec ? '' : emitSpec(model), emitReplaySpecs(model), emitOptions(model), emitBuilder(model)].join(
    '',
  );
}

function emitSpec(model: CommandModel): string {
  const open = `export const ${model.constant} = /* @__PURE__ */ defineSpec('${model.facts.name}', `;
  return `${open}${list('{ ', specFields(model), ' }', '', open)});\n`;
}

function emitReplaySpecs({ constant, replayCases, replayWhen, variants }: CommandModel): string {
  const needed = [
    ...replayCases.map(({ replay }) => replay),
    ...(replayWhen === undefined ? [] : [replayWhen.replay]),
    ...variants,
  ];
  return [...new Set(needed)]
    .map((replay) => `const ${replaySpec(constant, replay)} = /* @__PURE__ */ withReplay(${constant}, '${replay}');\n`)
    .join('');
}

function replaySpec(constant: string, replay: string): string {
  return `${constant}_${replay.toUpperCase()}`;
}

function emitOptions(model: CommandModel): string {
  if (model.optionsType === undefined) return '';
  const name = `${model.method.charAt(0).toUpperCase()}${model.method.slice(1)}Options`;
  const rows = model.options.map(({ name: option, writer, choice }) => {
    const qualified = writer.replace(/^(\w+)/, writer.includes('(') ? '/* @__PURE__ */ opt.$1' : 'opt.$1');
    return `['${option}', ${qualified}${choice === 0 ? '' : `, ${choice}`}]`;
  });
  const rules: string[] = [];
  if (Object.keys(model.needs).length > 0) {
    rules.push(
      `needs: { ${Object.entries(model.needs)
        .map(([option, others]) => `${quoted(option)}: [${others.map((one) => `'${one}'`).join(', ')}]`)
        .join(', ')} }`,
    );
  }
  if (model.exclusive.length > 0) {
    rules.push(
      `exclusive: [${model.exclusive.map((names) => `[${names.map((one) => `'${one}'`).join(', ')}]`).join(', ')}]`,
    );
  }
  const table = rows.map((row) => `  ${row},\n`).join('');
  return [
    `\n/** What \`${model.method}\` may be told beside its arguments. */\n`,
    `export type ${name} =${model.optionsType.startsWith('\n') ? '' : ' '}${model.optionsType};\n`,
    `const ${model.constant}_OPTIONS = /* @__PURE__ */ opt.defineOptions(\n  [\n${table.replace(/^/gm, '  ').trimEnd()}\n  ],\n`,
    rules.length > 0 ? `  { ${rules.join(', ')} },\n` : '',
    ');\n',
  ].join('');
}

function quoted(name: string): string {
  return /^\w+$/.test(name) ? name : `'${name}'`;
}

/** `key: Key, options?: GetexOptions`, on one line or several. */
export function parameterList(parameters: readonly Parameter[], indent: string, before: string, after: string): string {
  const items = parameters.map(
    ({ name, type, optional, rest }) => `${rest ? '...' : ''}${name}${optional ? '?' : ''}: ${type}`,
  );
  const flat = `(${items.join(', ')})`;
  if (before.length + flat.length + after.length <= WIDTH) return flat;
  return `(\n${items.map((item) => `${indent}  ${item}${item.startsWith('...') ? '' : ','}\n`).join('')}${indent})`;
}

function emitBuilder(model: CommandModel): string {
  const name = identifier(model);
  const overloaded = model.signatures.length > 1;
  const open = `export function ${name}`;
  const heads = model.signatures.map(({ parameters, reply }) => {
    const result = `: Command<${onStrings(reply)}>`;
    return `${builderDoc(model)}${open}${parameterList(parameters, '', open, `${result} {`)}${result}`;
  });
  const body = emitBody(model, overloaded);
  if (!overloaded) return `\n${heads[0]} {\n${body}}\n`;
  const result = ': Command<never>';
  const implementation = `${open}${parameterList(model.implementation, '', open, `${result} {`)}${result}`;
  return `\n${heads.map((head) => `${head};\n`).join('')}${implementation} {\n${body}}\n`;
}

function emitBody(model: CommandModel, overloaded: boolean): string {
  const { constant, steps, special } = model;
  if (special !== undefined) {
    const specs = [constant, ...model.variants.map((replay) => replaySpec(constant, replay))];
    const passed = model.implementation.map(({ name, rest }) => (rest ? `...${name}` : name));
    const made = `special.${special}${list('(', [...specs, ...passed], ')', '  ', `  return special.${special}() as Command<never>;`)}`;
    return `  return ${made}${overloaded ? ' as Command<never>' : ''};\n`;
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
  if (rest.length === 1 && rest[0]?.step === 'options' && model.replies.length > 1 && model.replayWhen === undefined) {
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
    case 'many': {
      const push = step.counted
        ? 'pushCounted'
        : { many: 'pushMany', rest: 'pushRest', optionals: 'pushOptionals', optionalMany: '' }[step.form];
      const values = step.counted && step.form === 'rest' ? `arg.fromRest(${step.parameter})` : step.parameter;
      const call = `arg.${push}(out, ${values}, arg.${step.check}, ${constant}, '${step.name}')`;
      return movable && step.keys ? keysAfter(call, 1) : `  ${call};\n`;
    }
    case 'pairs': {
      const { flat } = step;
      if (flat !== undefined) {
        const [first, second] = flat.names;
        return `  arg.pushPairsOrPair(out, ${step.parameter}, ${second}, arg.${step.check}, ${constant}, ['${step.parameter}', '${first}', '${second}']);\n`;
      }
      const call = `arg.${step.counted ? 'pushCountedPairs' : 'pushPairs'}(out, ${step.parameter}, arg.${step.check}, ${constant}, '${step.parameter}')`;
      return movable && step.keys ? keysAfter(call, 2) : `  ${call};\n`;
    }
    case 'tuples': {
      const checks = step.checks.map((check) => `arg.${check}`).join(', ');
      const push = step.form === 'rest' ? 'pushRestTuples' : 'pushTuples';
      return `  arg.${push}(out, ${step.parameter}, [${checks}], ${constant}, '${step.parameter}');\n`;
    }
    case 'options':
      return emitOptionsStep(model);
    default:
      throw new Error(`no way to emit ${step.step}`);
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

function keysAfter(call: string, step: number): string {
  const count = step === 1 ? 'count' : `${step} * count`;
  return `  const count = ${call};\n  places.push({ from: out.length - ${count}, to: out.length - 1, step: ${step} });\n`;
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
  let spec = model.constant;
  if (model.replayCases.length > 0) {
    const chain = model.replayCases.reduceRight((otherwise, { options, absent, replay }) => {
      const given = `opt.has(options, ${options.map((name) => `'${name}'`).join(', ')})`;
      const variant = replaySpec(model.constant, replay);
      return absent ? `${given} ? ${otherwise} : ${variant}` : `${given} ? ${variant} : ${otherwise}`;
    }, model.constant);
    lines.push(`  const spec = ${chain};\n`);
    spec = 'spec';
  } else if (model.replayWhen !== undefined) {
    const { when, replay } = model.replayWhen;
    lines.push(`  const spec = ${when} ? ${replaySpec(model.constant, replay)} : ${model.constant};\n`);
    spec = 'spec';
  }
  let reader = readerOf(model.replies, model.byPresence);
  if (reader.includes(' ? ') && madeCommand(spec, args, reader, keys, overloaded).includes('\n')) {
    lines.push(`${conditional('  const read = ', reader)};\n`);
    reader = 'read';
  }
  return `${lines.join('')}  return ${madeCommand(spec, args, reader, keys, overloaded)};\n`;
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
  const cast = overloaded ? ' as Command<never>' : '';
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

const REPLY_TYPES = [
  'AclLogEntry',
  'AclUser',
  'Attributed',
  'ClientInfo',
  'ClusterLink',
  'ClusterNode',
  'CommandDocs',
  'CommandInfo',
  'Entry',
  'FunctionLibrary',
  'FunctionStats',
  'GeoMatch',
  'GroupEntry',
  'LatencyEvent',
  'LatencyHistogram',
  'LcsMatch',
  'ModuleInfo',
  'PendingEntry',
  'PendingSummary',
  'Plain',
  'RawVector',
  'Role',
  'Scored',
  'ServerGreeting',
  'ServerInfo',
  'Shard',
  'Similar',
  'SlotRange',
  'SlowCommand',
  'StreamConsumer',
  'StreamGroup',
  'StreamInfo',
  'StreamInfoFull',
  'TrackingInfo',
  'Dictionary',
];

const SPECIAL_TYPES = [
  'BitGet',
  'BitOperation',
  'ClientKillFilter',
  'GeoQuery',
  'GeoWith',
  'HelloOptions',
  'HotkeysStartOptions',
  'MigrateOptions',
  'MigrationTask',
  'PendingRange',
  'ScoredMembers',
  'SlotBounds',
  'SlotMigration',
  'SlotState',
  'SlotStatsFilter',
  'StreamPositions',
  'StreamReferences',
  'Trim',
  'VaddOptions',
  'Vector',
  'VsimOptions',
  'VsimQuery',
  'XaddOptions',
  'XreadOptions',
  'XreadgroupOptions',
  'ZaddConditions',
];

export { REPLY_TYPES, SPECIAL_TYPES };

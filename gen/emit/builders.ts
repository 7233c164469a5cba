// `src/commands/generated/<group>.ts`: specs, option tables and builders.

import type { CommandModel } from '../model';
import { onBothSurfaces } from '../replies';
import { BINARY_WITH, specFields } from '../spec-facts';
import { builderDoc } from './docs';
import { emitBody, replaySpec } from './bodies';
import { HEADER, imports, list, parameterList } from './text';
import { REPLY_TYPES, SPECIAL_TYPES } from './type-names';

/** The source of one group's file. */
export function emitGroup(models: readonly CommandModel[]): string {
  const body = models.map(emitCommand).join('\n');
  return [
    HEADER,
    '\n',
    imports(body, '../answered', ['AnsweredCommand'], false),
    imports(body, '../command', ['Command'], false),
    imports(body, '../command', ['Arg', 'KeyRange', 'ReplyReader'], true),
    /\barg\./.test(body) ? `import * as arg from '../arguments';\n` : '',
    imports(body, '../arguments', ['Key', 'Str', 'Many', 'Variadic', 'Optionals', 'Pairs', 'PairsOf'], true),
    imports(body, '../define-spec', ['defineSpec', 'withBinary', 'withReplay', 'ALL', 'FIRST', 'FIRST_TWO'], false),
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
  return [
    model.sharesSpec ? '' : emitSpec(model),
    emitReplaySpecs(model),
    emitBinarySpec(model),
    emitOptions(model),
    emitBuilder(model),
  ].join('');
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

function emitBinarySpec({ facts, constant }: CommandModel): string {
  if (BINARY_WITH[facts.name] === undefined) return '';
  return `const ${constant}_BINARY = /* @__PURE__ */ withBinary(${constant});\n`;
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

function emitBuilder(model: CommandModel): string {
  const name = identifier(model);
  const overloaded = model.signatures.length > 1;
  const open = `export function ${name}`;
  const heads = model.signatures.map(({ generics, parameters, reply }) => {
    const result = `: Command<${onBothSurfaces(reply)}>`;
    const before = `${open}${generics === undefined ? '' : `<${generics}>`}`;
    return `${builderDoc(model)}${before}${parameterList(parameters, '', before, `${result} {`)}${result}`;
  });
  const body = emitBody(model, overloaded);
  if (!overloaded) return `\n${heads[0]} {\n${body}}\n`;
  const result = ': Command<never, never>';
  const implementation = `${open}${parameterList(model.implementation, '', open, `${result} {`)}${result}`;
  return `\n${heads.map((head) => `${head};\n`).join('')}${implementation} {\n${body}}\n`;
}

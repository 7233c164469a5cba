// `registry.ts`: every spec by name, and the key specifications of commands whose keys move, for `call`.

import { HIDDEN, loadFacts, type CommandFacts, type KeySpecFacts } from '../facts';
import { replaysOf, type CommandModel } from '../model';
import { specFields } from '../spec-facts';
import { fixedKeys } from '../fixed-keys';
import { namespaceOf } from './surface';
import { HEADER, list } from './text';

/** From the least harm of a repetition to the most. */
const HARM = ['read', 'same', 'state', 'no'];

/** Keys that the servers leave to their own code. */
const UNDOCUMENTED: Readonly<Record<string, readonly KeySpecFacts[]>> = {
  SORT: [{ flags: ['OW'], begin: { keyword: 'STORE', from: 2 }, find: { range: [0, 1, 0] } }],
};

export function emitRegistry(models: readonly CommandModel[]): string {
  const own = models.filter(({ sharesSpec }) => !sharesSpec);
  const files = [...new Set(own.map(({ file }) => file))].sort();
  const hidden = loadFacts().filter(({ name }) => HIDDEN.includes(name));
  const specs = [...own.map((model) => specExpression(model, models)), ...hidden.map(hiddenSpec)];
  const moving = own.filter(({ keys }) => keys === undefined);
  return [
    HEADER,
    `
import type { CommandSpec } from '../command';
import { defineSpec, withReplay } from '../define-spec';
import type { KeySpec } from '../known-commands';
`,
    files.map((file) => `import * as ${namespaceOf(file)} from './${file}';\n`).join(''),
    `
/** Every command. Where options or arguments decide what a repetition does, the worst is assumed. */
export const SPECS: readonly CommandSpec[] = [
${specs.map((spec) => `  ${spec},\n`).join('')}];

/** Where keys stand when that depends on the arguments. */
export const KEY_SPECS: Readonly<Record<string, readonly KeySpec[]>> = {
${moving.map(({ facts }) => `  ${/\W/.test(facts.name) ? `'${facts.name}'` : facts.name}: ${keySpecs(facts)},\n`).join('')}};
`,
  ].join('');
}

function specExpression(model: CommandModel, models: readonly CommandModel[]): string {
  const { facts, constant, file } = model;
  const qualified = `${namespaceOf(file)}.${constant}`;
  const cases = models.filter((one) => one.facts === facts).flatMap(replaysOf);
  const worst = cases.reduce((one, other) => (HARM.indexOf(other) > HARM.indexOf(one) ? other : one));
  return worst === facts.rt.retry ? qualified : `withReplay(${qualified}, '${worst}')`;
}

function hiddenSpec(facts: CommandFacts): string {
  const model = { facts, keys: fixedKeys(facts as CommandModel['facts']) } as CommandModel;
  const fields = specFields(model).map((field) =>
    field.replace(/^keys: FIRST$/, 'keys: [{ from: 0, to: 0, step: 1 }]'),
  );
  const open = `defineSpec('${facts.name}', `;
  return `${open}${list('{ ', fields, ' }', '  ', `  ${open}`)})`;
}

function keySpecs(facts: CommandFacts): string {
  const known = (facts.keySpecs ?? []).filter(({ begin }) => typeof begin === 'object');
  const specs = [...known, ...(UNDOCUMENTED[facts.name] ?? [])].map(({ begin, find }) => {
    const start =
      begin.index === undefined ? `{ keyword: '${begin.keyword}', from: ${begin.from} }` : `{ index: ${begin.index} }`;
    const kind =
      find.range === undefined ? `{ keynum: [${find.keynum?.join(', ')}] }` : `{ range: [${find.range.join(', ')}] }`;
    return `{ begin: ${start}, find: ${kind} }`;
  });
  return list('[', specs, ']', '  ', `  ${facts.name}: `);
}

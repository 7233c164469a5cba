// `surface.ts` and `session.ts`: the commands as methods.

import { EMPTY } from '../empty';
import type { CommandModel } from '../model';
import { pascalCase } from '../names';
import { dependsOnSurface } from '../replies';
import { REPLY_TYPES, SPECIAL_TYPES } from './type-names';
import { methodDoc } from './docs';
import { HEADER, imports, parameterList } from './text';

/** Commands that change what their connection is: methods of a leased connection only. */
export const SESSION = [
  'EXEC',
  'DISCARD',
  'WATCH',
  'UNWATCH',
  'RESET',
  'QUIT',
  'HELLO',
  'CLIENT REPLY',
  'CLIENT CACHING',
  'CLIENT TRACKING',
  'SCRIPT DEBUG',
  'ASKING',
  'READONLY',
  'READWRITE',
];

/** Commands whose names the client gives to more than a command: streams of messages, transactions; builders all the same. */
export const STREAMED = [
  'MULTI',
  'MONITOR',
  'SUBSCRIBE',
  'PSUBSCRIBE',
  'SSUBSCRIBE',
  'UNSUBSCRIBE',
  'PUNSUBSCRIBE',
  'SUNSUBSCRIBE',
];

/** `sorted-set` → `sortedSetCommands`. */
export function namespaceOf(file: string): string {
  return `${file.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}Commands`;
}

function emitMethod(model: CommandModel): string {
  const { method, signatures, implementation } = model;
  const overloaded = signatures.length > 1;
  const heads = signatures.map(({ generics, parameters, reply }, overload) => {
    const open = `  ${method}${generics === undefined ? '' : `<${generics}>`}`;
    const result = `: ResultOf<K, ${reply}>`;
    return `${methodDoc(model, overload)}${open}${parameterList(parameters, '  ', open, `${result} {`)}${result}`;
  });
  const passed = implementation
    .map(({ name, rest, optional }) => {
      if (rest) return overloaded ? `...(${name} as [never])` : `...${name}`;
      return overloaded && (optional || differs(model, name)) ? `${name} as never` : name;
    })
    .join(', ');
  const call = `${namespaceOf(model.file)}.${method}(${passed})`;
  const cast = overloaded || signatures.some(({ reply }) => dependsOnSurface(reply));
  const send = wayOut(model);
  const body = `${surplus(model)}    return this.${send}(${call}${cast ? ' as Command<never>' : ''});\n`;
  if (!overloaded) return `\n${heads[0]} {\n${body}  }\n`;
  const open = `  ${method}`;
  const result = ': ResultOf<K, never>';
  return `\n${heads.map((head) => `${head};\n`).join('')}${open}${parameterList(implementation, '  ', open, `${result} {`)}${result} {\n${body}  }\n`;
}

function wayOut({ facts: { name, rt } }: CommandModel): string {
  if (EMPTY[name] !== undefined) return 'sendUnlessAnswered';
  // WAIT and WAITAOF, which write to nothing and read nothing, ask about the writes of their own connection.
  return rt.block === undefined || rt.access === 'none' ? 'send' : 'sendBlocking';
}

/** Arguments beyond those that a method has come from JavaScript, and from a mistake. */
function surplus({ facts, implementation }: CommandModel): string {
  if (implementation.some(({ rest }) => rest)) return '';
  const known = implementation.length;
  return `    if (arguments.length > ${known}) refuseSurplus(arguments, ${known}, '${facts.name}');\n`;
}

/** Whether the overloads disagree on the type of a parameter. */
function differs({ signatures, implementation }: CommandModel, name: string): boolean {
  const own = implementation.find((parameter) => parameter.name === name)?.type;
  return signatures.some(({ parameters }) => parameters.find((parameter) => parameter.name === name)?.type !== own);
}

function emitClass(models: readonly CommandModel[], head: string, tail: string): string {
  const methods = models.map(emitMethod).join('');
  const files = [...new Set(models.map(({ file }) => file))].sort();
  // The first method follows the head without an empty line where the head has no members of its own.
  const body = `${head}${head.endsWith('{\n') ? methods.slice(1) : methods}${tail}}\n`;
  const groups = files.map((file) => `import * as ${namespaceOf(file)} from './${file}';\n`).join('');
  const options = files
    .map((file) =>
      imports(
        body,
        `./${file}`,
        models
          .filter((model) => model.file === file && model.optionsType)
          .map(({ method }) => `${pascalCase(method)}Options`),
        true,
      ),
    )
    .join('');
  return [
    HEADER,
    '\n',
    imports(body, '../answered', ['AnsweredCommand'], false),
    imports(body, '../command', ['Arg', 'Command'], true),
    `import { refuseSurplus } from '../arguments';\n`,
    imports(body, '../arguments', ['Key', 'Str', 'Many', 'Variadic', 'Optionals', 'Pairs', 'PairsOf'], true),
    imports(body, '../option-table', ['AtMostOne', 'One', 'Without'], true),
    imports(body, '../result-kind', ['ReplyKind', 'ResultKind', 'ResultOf'], true),
    imports(body, '../replies/types', REPLY_TYPES, true),
    imports(body, '../special/types', SPECIAL_TYPES, true),
    body.includes('extends CommandSurface') ? `import { CommandSurface } from './surface';\n` : '',
    groups,
    options,
    '\n',
    body,
  ].join('');
}

export function emitSurface(models: readonly CommandModel[]): string {
  return emitClass(
    models.filter(({ facts }) => !SESSION.includes(facts.name) && !STREAMED.includes(facts.name)),
    `/**
 * The commands as methods. On a client each gives a cold \`Reply\`: nothing is sent before it is subscribed to or awaited.
 *
 * \`S\` is what texts come as: \`string\`, or \`Buffer\` on \`redis.bytes\`. \`K\` is what a method gives: a Reply, or the chain of a pipeline.
 */
export abstract class CommandSurface<S extends string | Buffer = string, K extends ResultKind = ReplyKind> {
  /** Takes a command: the one way out of this class. */
  protected abstract send<T>(command: Command<T>): ResultOf<K, T>;

  /** Takes a command that may wait at the server. */
  protected sendBlocking<T>(command: Command<T>): ResultOf<K, T> {
    return this.send(command);
  }

  /** Takes a command whose reply is known already, for an empty list sends nothing. */
  protected abstract sendAnswered<T>(command: Command<T>): ResultOf<K, T>;

  protected sendUnlessAnswered<T>(command: Command<T>): ResultOf<K, T> {
    return command instanceof AnsweredCommand ? this.sendAnswered(command) : this.send(command);
  }
`,
    '',
  );
}

export function emitSession(models: readonly CommandModel[]): string {
  return emitClass(
    models.filter(({ facts }) => SESSION.includes(facts.name)),
    `/** What only the sole user of a connection may send: these change the state of the connection itself. */
export abstract class SessionSurface<
  S extends string | Buffer = string,
  K extends ResultKind = ReplyKind,
> extends CommandSurface<S, K> {
`,
    '',
  );
}

/** \`builders.ts\`: every builder under its own name. */
export function emitBarrel(models: readonly CommandModel[]): string {
  const exports = byFile(models).map(([file, own]) => {
    const names = own.map(({ method }) => method);
    return `export {\n${names.map((name) => `  ${name},\n`).join('')}} from './${file}';\n`;
  });
  return `${HEADER}\n${exports.join('')}export type * from './option-types';\n`;
}

/** \`option-types.ts\`: the types of all options, for both entries of the package. */
export function emitOptionTypes(models: readonly CommandModel[]): string {
  const withOptions = models.filter(({ optionsType }) => optionsType !== undefined);
  const exports = byFile(withOptions).map(([file, own]) => {
    const types = own.map(({ method }) => `  ${pascalCase(method)}Options,\n`);
    return `export type {\n${types.join('')}} from './${file}';\n`;
  });
  return `${HEADER}\n${exports.join('')}`;
}

function byFile(models: readonly CommandModel[]): (readonly [file: string, models: readonly CommandModel[]])[] {
  const files = [...new Set(models.map(({ file }) => file))].sort();
  return files.map((file) => [file, models.filter((model) => model.file === file)]);
}

import { join } from 'node:path';
import ts from 'typescript';
import { models } from '../../../gen/generate';
import type { CommandModel } from '../../../gen/model';
import { onStrings } from '../../../gen/replies';
import { REPLY_TYPES } from '../../../gen/emit/type-names';

// The compiler reads the types that the generator writes, so that replies of real servers can be held against them.

const FILE = join(__dirname, 'promised-types.virtual.ts');
let promised: { checker: ts.TypeChecker; byMethod: ReadonlyMap<string, ts.Type>; at: ts.Node } | undefined;

/** What of a value is not as the method's type promises, as paths; none when all is. */
export function broken({ method }: CommandModel, value: unknown): string[] {
  promised ??= readTypes();
  const { checker, byMethod, at } = promised;
  const faults: string[] = [];
  const type = byMethod.get(method);
  if (type === undefined) throw new Error(`no type for ${method}`);
  check(value, type, '', faults, checker, at);
  return faults;
}

function readTypes(): NonNullable<typeof promised> {
  const replies = models().map(({ method, signatures }) => {
    const union = [...new Set(signatures.map(({ reply }) => onStrings(reply.replace(/^T$/, 'unknown'))))].join(' | ');
    return `  ${method}: ${union};\n`;
  });
  const types = REPLY_TYPES.join(', ');
  const source = `import type { ${types} } from '../../../src/commands/replies/types';\nexport interface Replies {\n${replies.join('')}}\n`;
  const options: ts.CompilerOptions = { strict: true, target: ts.ScriptTarget.ES2022, types: ['node'], noEmit: true };
  const real = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...real,
    fileExists: (path) => path === FILE || real.fileExists(path),
    readFile: (path) => (path === FILE ? source : real.readFile(path)),
    getSourceFile: (path, version, ...rest) =>
      path === FILE ? ts.createSourceFile(path, source, version) : real.getSourceFile(path, version, ...rest),
  };
  const program = ts.createProgram([FILE], options, host);
  const checker = program.getTypeChecker();
  const file = program.getSourceFile(FILE) as ts.SourceFile;
  const at = file.statements.find(ts.isInterfaceDeclaration) as ts.InterfaceDeclaration;
  const byMethod = new Map(
    checker
      .getPropertiesOfType(checker.getTypeAtLocation(at))
      .map((property) => [property.name, checker.getTypeOfSymbolAtLocation(property, at)] as const),
  );
  return { checker, byMethod, at };
}

function check(
  value: unknown,
  type: ts.Type,
  path: string,
  faults: string[],
  checker: ts.TypeChecker,
  at: ts.Node,
): void {
  const fault = (): void => void faults.push(`${path || 'it'} is no ${checker.typeToString(type)}`);
  const { flags } = type;
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown)) return;
  if (type.isUnion()) {
    const attempts = type.types.map((member) => {
      const own: string[] = [];
      check(value, member, path, own, checker, at);
      return own;
    });
    if (attempts.every(({ length }) => length > 0))
      faults.push(
        ...(attempts.find((own) => own[0]?.includes('.')) ?? [`${path || 'it'} is no ${checker.typeToString(type)}`]),
      );
  } else if (flags & (ts.TypeFlags.Undefined | ts.TypeFlags.Void)) {
    if (value !== undefined) fault();
  } else if (flags & ts.TypeFlags.Null) {
    if (value !== null) fault();
  } else if (type.isStringLiteral()) {
    if (value !== type.value) fault();
  } else if (flags & ts.TypeFlags.String) {
    if (typeof value !== 'string') fault();
  } else if (flags & (ts.TypeFlags.Number | ts.TypeFlags.BigInt)) {
    if (typeof value !== 'number' && typeof value !== 'bigint') fault();
  } else if (flags & ts.TypeFlags.BooleanLike) {
    if (typeof value !== 'boolean') fault();
  } else if (type.symbol?.name === 'Buffer') {
    if (!Buffer.isBuffer(value)) fault();
  } else if (checker.isTupleType(type)) {
    const parts = checker.getTypeArguments(type as ts.TypeReference);
    if (!Array.isArray(value) || value.length !== parts.length) return fault();
    parts.forEach((part, index) => check(value[index], part, `${path}[${index}]`, faults, checker, at));
  } else if (checker.isArrayType(type)) {
    const [item] = checker.getTypeArguments(type as ts.TypeReference);
    if (!Array.isArray(value)) return fault();
    value.forEach((one, index) => check(one, item as ts.Type, `${path}[${index}]`, faults, checker, at));
  } else checkObject(value, type, path, faults, checker, at);
}

function checkObject(
  value: unknown,
  type: ts.Type,
  path: string,
  faults: string[],
  checker: ts.TypeChecker,
  at: ts.Node,
): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    faults.push(`${path || 'it'} is no ${checker.typeToString(type)}`);
    return;
  }
  const record = value as Record<string, unknown>;
  const properties = checker.getPropertiesOfType(type);
  for (const property of properties) {
    const optional = (property.flags & ts.SymbolFlags.Optional) !== 0;
    if (optional && record[property.name] === undefined) continue;
    const own = checker.getTypeOfSymbolAtLocation(property, at);
    check(record[property.name], own, `${path}.${property.name}`, faults, checker, at);
  }
  const index = checker.getIndexTypeOfType(type, ts.IndexKind.String);
  if (index === undefined) return;
  const named = new Set(properties.map(({ name }) => name));
  for (const [name, inner] of Object.entries(record)) {
    if (!named.has(name)) check(inner, index, `${path}.${name}`, faults, checker, at);
  }
}

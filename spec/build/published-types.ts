import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** The names that a declaration file declares, and under which it exports them. */
interface Names {
  readonly declared: ReadonlySet<string>;
  readonly exported: ReadonlySet<string>;
}

/**
 * The names that files of declarations declare without an entry of the package exporting them.
 * @param files path → text; entries by their names, what they share beside them
 */
export function unexported(files: ReadonlyMap<string, string>, entries: readonly string[]): string[] {
  const all = [...files].map(([file, text]) => [file, namesIn(text)] as const);
  const declared = new Set(all.flatMap(([, names]) => [...names.declared]));
  const isEntry = (file: string) => entries.some((entry) => file === entry);
  const exported = new Set(all.filter(([file]) => isEntry(file)).flatMap(([, names]) => [...names.exported]));
  return [...declared].filter((name) => !exported.has(name)).sort();
}

/** The names of all that is declared at the top of the files of a folder and its folders. */
export function declaredIn(folder: string): Set<string> {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
  return new Set(files.flatMap((file) => [...namesIn(readFileSync(join(folder, file), 'utf8')).declared]));
}

function namesIn(text: string): Names {
  const declared = new Set<string>();
  const exported = new Set<string>();
  for (const statement of ts.createSourceFile('it.ts', text, ts.ScriptTarget.Latest).statements) {
    for (const name of namesOf(statement)) {
      declared.add(name);
      if (isExported(statement)) exported.add(name);
    }
    if (!ts.isExportDeclaration(statement)) continue;
    const { exportClause } = statement;
    if (exportClause === undefined || !ts.isNamedExports(exportClause)) throw new Error('Exports that have no names');
    for (const { name } of exportClause.elements) exported.add(name.text);
  }
  return { declared, exported };
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) => (ts.isIdentifier(name) ? [name.text] : []));
  }
  const isNamed =
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement) ||
    ts.isFunctionDeclaration(statement) ||
    ts.isEnumDeclaration(statement);
  // Where two files declare the same name, one gets a number behind it.
  return isNamed && statement.name !== undefined ? [statement.name.text.replace(/\$\d+$/, '')] : [];
}

function isExported(statement: ts.Statement): boolean {
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

import ts from 'typescript';
import type { Block } from './markdown';

/** The server of the examples, as they call it; the one that runs takes its place. */
export const WRITTEN_URL = 'redis://localhost:6379';

/** The client of the first example, which all others go on using. */
const CLIENT = 'redis';
const EXPECTATION = /\/\/ → (.+)$/;

/** Text that takes the place of what stands between two positions. */
interface Edit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** The block as a module for the compiler, line by line where it was. */
export function moduleOf({ code }: Block): string {
  const client = declares(parse(code), CLIENT) ? '' : `declare const ${CLIENT}: import('rxjs-redis').Redis; `;
  return `${client}${code}\nexport {};\n`;
}

/**
 * The block as a program that exports a function `run(example)`; `run-example.ts` says what an example can do.
 *
 * - `await redis.get('k'); // → 'v'` must give that value;
 * - `console.log(data); // → 'a', 'b'` must be called, now or soon, with these values in order, call after call.
 * @throws Error when an expectation has nothing to stand behind
 */
export function programOf(block: Block): string {
  const { code } = block;
  const source = parse(code);
  const imports = source.statements.filter(ts.isImportDeclaration);
  const edits: Edit[] = imports.map((statement) => ({ start: statement.getStart(), end: statement.end, text: '' }));
  edits.push(...expectations(block, source));
  visit(source, (node) => {
    if (ts.isNewExpression(node) && node.expression.getText() === 'Redis') {
      edits.push(insert(node.getStart(), 'example.client('), insert(node.end, ')'));
    }
    if (ts.isStringLiteral(node) && node.text.startsWith(WRITTEN_URL)) {
      const rest = JSON.stringify(node.text.slice(WRITTEN_URL.length));
      edits.push({ start: node.getStart(), end: node.end, text: `(example.url + ${rest})` });
    }
  });
  const client = declares(source, CLIENT) ? '' : `const ${CLIENT} = example.redis();\n`;
  return [
    ...imports.map((statement) => statement.getText()),
    `export async function run(example: import('../../spec/examples/run-example').Example): Promise<void> {`,
    `const { console } = example;`,
    `${client}${apply(code, edits)}`,
    '}',
  ].join('\n');
}

/** What `// → …` says about the code before it, on its line or the line above. */
function expectations(block: Block, source: ts.SourceFile): Edit[] {
  const lines = block.code.split('\n');
  let sites = 0;
  return lines.flatMap((line, index) => {
    const expected = EXPECTATION.exec(line)?.[1];
    if (expected === undefined) return [];
    const ownLine = line.trimStart().startsWith('//');
    const codeLine = ownLine ? index - 1 : index;
    const logs = find(source, codeLine, isConsoleLog);
    if (logs !== undefined) {
      const site = sites++;
      const { expression } = logs as ts.CallExpression;
      // Before the function's first statement, so that it stands even when the code around it never runs.
      return [
        insert(0, `example.expects(${site}, ${block.line + codeLine}, [${expected}]);`),
        { start: expression.getStart(), end: expression.end, text: `example.log(${site})` },
      ];
    }
    const value = find(source, codeLine, isValue);
    if (value === undefined) throw new Error(`${block.document}:${block.line + index}: → stands behind no value`);
    const where = block.line + codeLine;
    return [insert(value.getStart(), 'example.equal('), insert(value.end, `, [${expected}], ${where})`)];
  });
}

/** The last node of a kind that ends on a line. */
function find(source: ts.SourceFile, line: number, wanted: (node: ts.Node) => boolean): ts.Node | undefined {
  let found: ts.Node | undefined;
  visit(source, (node) => {
    if (wanted(node) && source.getLineAndCharacterOfPosition(node.end).line === line) found = node;
  });
  return found;
}

function isConsoleLog(node: ts.Node): boolean {
  return ts.isCallExpression(node) && node.expression.getText() === 'console.log';
}

/** What a statement is about: its expression, or what its variable is given. */
function isValue(node: ts.Node): boolean {
  const { parent } = node;
  if (ts.isVariableDeclaration(parent)) return parent.initializer === node;
  return ts.isExpressionStatement(parent);
}

function declares(source: ts.SourceFile, name: string): boolean {
  const statements = source.statements.filter(ts.isVariableStatement);
  return statements.some(({ declarationList }) =>
    declarationList.declarations.some((declaration) => declaration.name.getText() === name),
  );
}

function parse(code: string): ts.SourceFile {
  return ts.createSourceFile('example.ts', code, ts.ScriptTarget.ES2022, true);
}

/** Parents before children, in the order of the text. */
function visit(source: ts.SourceFile, see: (node: ts.Node) => void): void {
  const go = (node: ts.Node): void => {
    see(node);
    ts.forEachChild(node, go);
  };
  ts.forEachChild(source, go);
}

function insert(at: number, text: string): Edit {
  return { start: at, end: at, text };
}

function apply(code: string, edits: readonly Edit[]): string {
  let result = '';
  let position = 0;
  for (const { start, end, text } of [...edits].sort((one, other) => one.start - other.start)) {
    result += code.slice(position, start) + text;
    position = Math.max(position, end);
  }
  return result + code.slice(position);
}

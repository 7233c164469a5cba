import { join, resolve } from 'node:path';
import ts from 'typescript';
import type { Block } from './markdown';
import { moduleOf } from './program';

const ROOT = resolve(__dirname, '../..');

/** Checks the types of blocks as strictly as those of the project; returns what is wrong, in terms of the documents' lines. */
export function typeErrors(blocks: readonly Block[]): readonly string[] {
  // Where modules would lie that import this package by its name.
  const files = new Map(blocks.map((block, index) => [join(ROOT, `example-${index}.ts`), block]));
  const options: ts.CompilerOptions = { ...projectOptions(), noUnusedLocals: false, noUnusedParameters: false };
  const disk = ts.createCompilerHost(options);
  const host: ts.CompilerHost = {
    ...disk,
    fileExists: (file) => files.has(file) || disk.fileExists(file),
    getSourceFile: (file, language, ...rest) => {
      const block = files.get(file);
      if (block === undefined) return disk.getSourceFile(file, language, ...rest);
      return ts.createSourceFile(file, moduleOf(block), language);
    },
  };
  const program = ts.createProgram([...files.keys()], options, host);
  return [...files].flatMap(([file, block]) =>
    ts.getPreEmitDiagnostics(program, program.getSourceFile(file)).map((diagnostic) => describe(diagnostic, block)),
  );
}

function projectOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), (file) => ts.sys.readFile(file)) as {
    config: unknown;
  };
  return ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options;
}

function describe({ file, start = 0, messageText }: ts.Diagnostic, { document, line }: Block): string {
  const { line: offset } = file!.getLineAndCharacterOfPosition(start);
  return `${document}:${line + offset}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`;
}

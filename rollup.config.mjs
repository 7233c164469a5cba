import { existsSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, resolve } from 'node:path';
import { transform } from 'esbuild';
import { dts } from 'rollup-plugin-dts';

const input = { index: 'src/index.ts', commands: 'src/commands/index.ts' };
const external = ['rxjs', 'rxjs/operators', '@opentelemetry/api', /^node:/, ...builtinModules];
const tsconfigRaw = JSON.parse(readFileSync('tsconfig.json', 'utf8'));

/** Strips the types of one file at a time; `npm run types` is what checks them. */
const typescript = {
  name: 'typescript',
  resolveId(specifier, importer) {
    if (importer === undefined || !specifier.startsWith('.')) return null;
    const path = resolve(dirname(importer), specifier);
    return [`${path}.ts`, `${path}/index.ts`].find((file) => existsSync(file)) ?? null;
  },
  transform(source, file) {
    return transform(source, { loader: 'ts', sourcefile: file, sourcemap: true, tsconfigRaw });
  },
};

/** Entry → the names that its code exports. */
const values = new Map();

const noteValues = {
  name: 'note-values',
  generateBundle(_, chunks) {
    for (const { isEntry, name, exports } of Object.values(chunks)) if (isEntry) values.set(name, new Set(exports));
  },
};

/** What is no value in the code is exported as a type alone: else a class that nothing constructs could be imported, and not found. */
const typesAlone = {
  name: 'types-alone',
  generateBundle(_, chunks) {
    for (const chunk of Object.values(chunks)) {
      if (!chunk.isEntry) continue;
      const isValue = (name) => values.get(chunk.name).has(name.replace(/^.* as /, ''));
      chunk.code = chunk.code.replace(/^export \{ (.*) \}(.*;)$/gm, (_, list, source) => {
        const names = list.split(', ');
        const own = names.filter(isValue);
        const types = names.filter((name) => !isValue(name));
        return [
          ...(own.length > 0 ? [`export { ${own.join(', ')} }${source}`] : []),
          ...(types.length > 0 ? [`export type { ${types.join(', ')} }${source}`] : []),
        ].join('\n');
      });
    }
  },
};

/**
 * Leaves the private field of `Command` out of its type. The compiler takes classes with private fields for different ones wherever
 * they are declared twice, and each entry declares `Command`: what `./commands` makes would be no command at the root.
 */
const oneCommand = {
  name: 'one-command',
  generateBundle(_, chunks) {
    for (const chunk of Object.values(chunks)) {
      chunk.code = chunk.code.replace(/^((?:export )?declare class Command<.*> \{\n) +#private;\n/m, '$1');
    }
  },
};

/** Both entries in one module format. What they share is a chunk of its own, so that both have the same classes. */
function output(folder, format, extension) {
  return {
    dir: folder,
    format,
    entryFileNames: `[name]${extension}`,
    chunkFileNames: `shared${extension}`,
  };
}

/**
 * `--configFolder <path>` builds elsewhere than into dist, `--configCodeOnly` leaves the types out.
 */
export default ({ configFolder: folder = 'dist', configCodeOnly: codeOnly = false }) => {
  // A chunk that an earlier build has left would be published.
  if (folder === 'dist') rmSync(folder, { recursive: true, force: true });
  const code = {
    input,
    external,
    plugins: [typescript, noteValues],
    output: [
      { ...output(folder, 'es', '.mjs'), sourcemap: true },
      { ...output(folder, 'cjs', '.cjs'), sourcemap: true },
    ],
  };
  // Each entry is built by itself, so that the types have no file that both entries share. Such a file would export helper types like
  // `Without`, the compiler would name that file in the declarations of users' packages, and they may not import it. A helper type
  // that is not exported is written out instead.
  const types = Object.entries(input).map(([name, file]) => ({
    input: { [name]: file },
    external,
    // What is marked @internal is not published.
    plugins: [dts({ compilerOptions: { stripInternal: true } }), typesAlone, oneCommand],
    output: [output(folder, 'es', '.d.mts'), output(folder, 'es', '.d.cts')],
  }));
  return codeOnly ? code : [code, ...types];
};

import { existsSync, readFileSync, rmSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, resolve } from 'node:path';
import { parse } from 'acorn';
import { transform } from 'esbuild';
import MagicString from 'magic-string';
import { dts } from 'rollup-plugin-dts';
import { minify } from 'terser';

const input = { index: 'src/index.ts', commands: 'src/commands/index.ts' };
/** What not every user has. It uses the client as they do, so its build has none of it. */
const beside = { nestjs: 'src/nestjs/index.ts', ioredis: 'src/ioredis/index.ts' };
/** What is their default as well. */
const defaults = { ioredis: 'IORedis' };
const external = ['rxjs', 'rxjs/operators', '@opentelemetry/api', /^node:/, ...builtinModules];
const besideExternal = [...external, 'rxjs-redis', /^@nestjs\//, /^socket\.io/];
const tsconfigRaw = JSON.parse(readFileSync('tsconfig.json', 'utf8'));

/** Strips the types of one file at a time; `npm run types` is what checks them. */
const typescript = {
  name: 'typescript',
  resolveId(specifier, importer) {
    if (importer === undefined || !specifier.startsWith('.')) return null;
    const path = resolve(dirname(importer), specifier);
    return [`${path}.ts`, `${path}/index.ts`].find((file) => existsSync(file)) ?? null;
  },
  async transform(source, file) {
    // Sources are CommonJS to what runs them; the module that asks where it lies is an ECMAScript module for bundlers as well.
    const define = { __filename: 'import.meta.url' };
    const { code } = await transform(source, { loader: 'ts', sourcefile: file, tsconfigRaw, define });
    return { code, map: null };
  },
  resolveImportMeta(property, { format }) {
    return format === 'cjs' && property === 'url' ? '__filename' : null;
  },
};

/** An entry beside the client takes that from its own entry. */
const clientBeside = {
  name: 'client-beside',
  resolveId: (specifier) => (specifier === '../index' ? { id: 'rxjs-redis', external: true } : null),
};
const paths = { 'rxjs-redis': './index.cjs' };

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

/** Leaves out comments, which the declarations have, and empty lines. A tab stands for two spaces. */
const bare = {
  name: 'bare',
  renderChunk(code) {
    const text = new MagicString(code);
    const onComment = (_isBlock, _words, start, end) => {
      const line = code.lastIndexOf('\n', start) + 1;
      const isAlone = code.slice(line, start).trim() === '' && code[end] === '\n';
      const isBetween = code[start - 1] === ' ' && code[end] === ' ';
      text.remove(isAlone ? line : start, isAlone || isBetween ? end + 1 : end);
    };
    let before = 0;
    const onToken = ({ start, end }) => {
      const gap = code.slice(before, start);
      const indent = /\n( +)$/.exec(gap)?.[1];
      if (indent !== undefined) text.update(start - indent.length, start, '\t'.repeat(indent.length / 2));
      const blank = /^[^\S\n]*\n(\n+) *$/.exec(gap)?.[1];
      const line = start - (indent?.length ?? 0);
      if (blank !== undefined) text.remove(line - blank.length, line);
      before = end;
    };
    parse(code, { ecmaVersion: 'latest', sourceType: 'module', onComment, onToken });
    return { code: text.toString(), map: null };
  },
};

/** What no person reads is small. What tells bundlers that a call may be dropped stays, and so do the names of classes. */
const small = {
  name: 'small',
  async renderChunk(code, _chunk, { format }) {
    const { code: shortest } = await minify(code, {
      module: format === 'es',
      ecma: 2022,
      compress: { keep_classnames: true, passes: 2 },
      mangle: { keep_classnames: true },
      format: { comments: false, preserve_annotations: true },
    });
    // It puts some of these marks in front of `return`, where they mean nothing and Rollup warns of them.
    return { code: shortest.replace(/\/\* @__PURE__ \*\/\s*return/g, 'return'), map: null };
  },
};

/** RxJS 9 lacks the classes that the client extends. Before them, so that what is said is not what the engine says of one of them. */
const needsRxjs =
  "if (require('rxjs').Observable === undefined) throw new Error('rxjs-redis needs RxJS 7.8 or 8: the version that is installed has no Observable');";

/** A tab stands for four spaces of the declarations, and comments begin and end in a line of text: compilers and editors show both alike. */
const tabs = {
  name: 'tabs',
  generateBundle(_, chunks) {
    for (const chunk of Object.values(chunks))
      chunk.code = chunk.code
        ?.replace(/^(?: {4})+/gm, (indent) => '\t'.repeat(indent.length / 4))
        .replace(/^(\t*)\/\*\*\n\t* \* /gm, '$1/** ')
        .replace(/\n{2,}/g, '\n')
        .replace(/\n\t* \*\/$/gm, ' */')
        .replace(/(\n\t* \* `[^\n]*`)\n\t* \*(?=\n)/g, '$1');
  },
};

/** A comment that stands for itself, or before what follows. */
const COMMENT = String.raw`(?:/\*\*(?:(?!\*/)[^])*\*/\n)?`;

/** A declaration with its comment: until the next one. */
const DECLARATION = new RegExp(
  String.raw`^${COMMENT}(?:declare class|interface|type) (\w+)[^]*?\n(?=${COMMENT}(?:declare|interface|type|export|import) )`,
  'gm',
);

const declarationsOf = (code) => new Map([...code.matchAll(DECLARATION)].map(([text, name]) => [name, text]));
const exportsOf = (code) =>
  [...code.matchAll(/^export (?:type )?\{ (.*) \};$/gm)].flatMap(([, list]) => list.split(', '));

/** The declarations that the entry of the client exports, by name. */
let ofClient = new Map();

/** `./commands` takes the types that the client exports from there, where both declare the same; what only those needed is left out. */
const clientsTypes = {
  name: 'clients-types',
  generateBundle(_, chunks) {
    for (const chunk of Object.values(chunks)) {
      const own = declarationsOf(chunk.code);
      const exported = new Set(exportsOf(chunk.code));
      if (chunk.name === 'index') ofClient = new Map([...own].filter(([name]) => exported.has(name)));
      if (chunk.name !== 'commands') continue;
      const shared = [...own].filter(([name, text]) => ofClient.get(name) === text);
      for (const [, text] of shared) chunk.code = chunk.code.replace(text, () => '');
      const isUnused = ([name, text]) =>
        !exported.has(name) &&
        chunk.code.includes(text) &&
        chunk.code.match(new RegExp(`\\b${name}\\b`, 'g')).length === 1;
      for (let unused; (unused = [...own].find(isUnused)) !== undefined;)
        chunk.code = chunk.code.replace(unused[1], () => '');
      const names = shared.map(([name]) => name).filter((name) => new RegExp(`\\b${name}\\b`).test(chunk.code));
      chunk.code = chunk.code.replace(
        banner,
        () => `${banner}\nimport type { ${names.join(', ')} } from './index.cjs';`,
      );
    }
  },
};

/** Both entries in one file, so that what they share has no names that it is exported under. */
const bothEntries = {
  name: 'both-entries',
  resolveId: (name) => (name === 'client' ? name : null),
  load: (name) =>
    name === 'client'
      ? Object.entries(input)
          .map(([entry, file]) => `export * as ${entry} from '${resolve(file)}';`)
          .join('\n')
      : null,
};

/** The entries: names of what that file has. `import` gets the same as `require`, so there is one class of each name in a process. */
const entries = {
  name: 'entries',
  generateBundle() {
    for (const entry of Object.keys(input)) {
      const names = [...values.get(entry)];
      const lines = [
        `Object.assign(exports, require('./client.cjs').${entry});`,
        // It never runs: `import` finds the names in it.
        `0 && (module.exports = { ${names.join(', ')} });`,
      ];
      const files = {
        [`${entry}.cjs`]: lines.join('\n'),
        [`${entry}.mjs`]: `export { ${names.join(', ')} } from './${entry}.cjs';`,
        [`${entry}.d.mts`]: `export * from './${entry}.cjs';`,
      };
      for (const [fileName, source] of Object.entries(files))
        this.emitFile({ type: 'asset', fileName, source: `${source}\n` });
    }
  },
};

/** What `import` gets of an entry beside the client: the same classes as `require`. */
const besideEntry = {
  name: 'beside-entry',
  generateBundle(_, chunks) {
    for (const { name, exports, isEntry } of Object.values(chunks)) {
      if (!isEntry) continue;
      // What CommonJS has under the name default is a property like others, and no default to `import`.
      const names = exports.map((one) => (one === 'default' ? `${defaults[name]} as default` : one)).join(', ');
      const files = {
        [`${name}.mjs`]: `export { ${names} } from './${name}.cjs';`,
        [`${name}.d.mts`]: `export * from './${name}.cjs';${name in defaults ? `\nexport { ${defaults[name]} as default } from './${name}.cjs';` : ''}`,
      };
      for (const [fileName, source] of Object.entries(files))
        this.emitFile({ type: 'asset', fileName, source: `${source}\n` });
    }
  },
};

/** Without it a compiler that looks for no types of its own takes every Buffer for `any`. */
const banner = '/// <reference types="node" />';

/**
 * `--configFolder <path>` builds elsewhere than into dist.
 *
 * - `client.cjs`: the client for Node, as a person can read it, and for each entry the names of what it has, `*.cjs` and `*.mjs`;
 * - `esm/`: the client for bundlers, a file for each of ours, so that they leave out what is not used.
 */
export default ({ configFolder: folder = 'dist' }) => {
  // A file that an earlier build has left would be published.
  if (folder === 'dist') rmSync(folder, { recursive: true, force: true });
  const forBundlers = {
    input: { ...input, ...beside },
    external: besideExternal,
    plugins: [typescript, noteValues],
    // package.json says the same to bundlers.
    treeshake: { moduleSideEffects: false },
    output: {
      dir: `${folder}/esm`,
      format: 'es',
      preserveModules: true,
      hoistTransitiveImports: false,
      preserveModulesRoot: 'src',
      entryFileNames: '[name].mjs',
      plugins: [small],
    },
  };
  const forNode = {
    input: { client: 'client' },
    external,
    plugins: [bothEntries, typescript],
    output: {
      dir: folder,
      format: 'cjs',
      entryFileNames: '[name].cjs',
      intro: needsRxjs,
      plugins: [bare, entries],
    },
  };
  // Each by itself, so that they share no file.
  const besideForNode = Object.entries(beside).map(([name, file]) => ({
    input: { [name]: file },
    external: besideExternal,
    plugins: [clientBeside, typescript],
    output: {
      dir: folder,
      format: 'cjs',
      exports: 'named',
      entryFileNames: '[name].cjs',
      paths,
      plugins: [small, besideEntry],
    },
  }));
  // Each entry is built by itself, so that the types have no file that both entries share. Such a file would export helper types like
  // `Without`, the compiler would name that file in the declarations of users' packages, and they may not import it. A helper type
  // that is not exported is written out instead.
  const types = Object.entries({ ...input, ...beside }).map(([name, file]) => ({
    input: { [name]: file },
    external: besideExternal,
    // What is marked @internal is not published.
    plugins: [
      ...(name in beside ? [clientBeside] : []),
      dts({ compilerOptions: { stripInternal: true } }),
      typesAlone,
      tabs,
      clientsTypes,
    ],
    output: [{ dir: folder, format: 'es', entryFileNames: '[name].d.cts', banner, paths }],
  }));
  return [forBundlers, forNode, ...besideForNode, ...types];
};

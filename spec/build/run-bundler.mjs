// node run-bundler.mjs <bundler> <its folder> <program> <file to write>: bundles a program, minified, as its users do who set nothing else.

import { dirname, basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';

const [bundler, folder, program, output] = process.argv.slice(2);
const require = createRequire(join(folder, 'package.json'));
const isExternal = (name) => /^(rxjs|@opentelemetry\/api|node:.*)$/.test(name);

const run = {
  async vite() {
    const { build } = await import(pathToFileURL(join(folder, 'dist/node/index.js')));
    await build({
      configFile: false,
      root: dirname(program),
      logLevel: 'error',
      build: {
        outDir: dirname(output),
        emptyOutDir: false,
        minify: true,
        modulePreload: { polyfill: false },
        rolldownOptions: {
          input: program,
          external: isExternal,
          preserveEntrySignatures: 'strict',
          output: { format: 'es', entryFileNames: basename(output) },
        },
      },
    });
  },
  async webpack() {
    const webpack = require(folder);
    const compiler = webpack({
      mode: 'production',
      target: 'node20',
      context: dirname(program),
      entry: program,
      output: { path: dirname(output), filename: basename(output), library: { type: 'module' } },
      experiments: { outputModule: true },
      externals: [({ request }, done) => (isExternal(request) ? done(null, `module ${request}`) : done())],
    });
    const stats = await new Promise((resolve, reject) =>
      compiler.run((error, result) => (error ? reject(error) : resolve(result))),
    );
    if (stats.hasErrors()) throw new Error(stats.toString({ all: false, errors: true }));
  },
};
await run[bundler]();

import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { compileFunction } from 'node:vm';
import { build, type Plugin } from 'esbuild';

const ROOT = resolve(__dirname, '../..');

/** The text of a file of TypeScript with all that it imports but RxJS. @param entry from the root of the package */
export async function bundleOf(entry: string, plugins: Plugin[] = []): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [entry],
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'es2022',
    external: ['rxjs'],
    logLevel: 'silent',
    plugins,
  });
  return outputFiles[0]!.text;
}

/** What a bundle exports. @param filename what stacks and profilers call it */
export function loadBundle<T>(text: string, filename?: string): T {
  const module = { exports: {} };
  const evaluate = compileFunction(text, ['require', 'module', '__filename'], { filename }) as (
    require: NodeJS.Require,
    module: object,
    filename: string,
  ) => void;
  const place = resolve(ROOT, 'package.json');
  evaluate(createRequire(place), module, place);
  return module.exports as T;
}

import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ESLint } from 'eslint';
import tseslint from 'typescript-eslint';

const ROOT = resolve(__dirname, '../..');

/** The options of the rule as the guide shows them. */
function optionsInGuide(): unknown {
  const block = /'@typescript-eslint\/no-floating-promises': \['error', (\{.*\})\]/.exec(
    readFileSync(resolve(ROOT, 'infra/site/guides/observables-and-promises.md'), 'utf8'),
  );
  return JSON.parse(block![1]!.replace(/(\w+):/g, '"$1":'));
}

/** The lines that the rule reports in a file of this repository. */
async function reported(code: string): Promise<number[]> {
  const eslint = new ESLint({
    cwd: ROOT,
    overrideConfigFile: true,
    overrideConfig: [
      {
        files: ['**/*.ts'],
        plugins: { '@typescript-eslint': tseslint.plugin },
        languageOptions: {
          parser: tseslint.parser,
          parserOptions: { projectService: true, tsconfigRootDir: ROOT },
        },
        rules: { '@typescript-eslint/no-floating-promises': ['error', optionsInGuide()] },
      },
    ],
  });
  const [result] = await eslint.lintText(code, { filePath: resolve(ROOT, 'spec/types/public-surface.ts') });
  return result!.messages.map(({ line }) => line);
}

describe('The lint rule that the guide names', () => {
  it('finds replies that were left, those marked with void too, and no others', async () => {
    const code = [
      "import type { Redis } from 'rxjs-redis';", // 1
      'export async function use(redis: Redis): Promise<void> {', // 2
      "  redis.set('a', 'b');", // 3
      "  void redis.set('a', 'b');", // 4
      "  redis.set('a', 'b').forget();", // 5
      "  await redis.set('a', 'b');", // 6
      '  redis.pipeline().incr("n").exec();', // 7
      '}',
    ].join('\n');
    expect(await reported(code)).toEqual([3, 4, 7]);
  });
});

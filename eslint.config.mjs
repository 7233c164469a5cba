import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import tseslint from 'typescript-eslint';

const ON_THE_CLOCK = "time is the business of connection/clock.ts: use the client's clock";
const ofTime = [
  ...['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'],
  ...['queueMicrotask', 'performance'],
].map((name) => ({ name, message: ON_THE_CLOCK }));

const offTheClock = [
  {
    selector: "CallExpression[callee.name='timer'][arguments.length<2]",
    message: `${ON_THE_CLOCK}: timer(due, clock)`,
  },
  {
    selector:
      'CallExpression[callee.name=/^(delay|interval|debounceTime|throttleTime|auditTime|sampleTime)$/][arguments.length<2]',
    message: ON_THE_CLOCK,
  },
  {
    selector: "CallExpression[callee.name='timeout'] > ObjectExpression:not(:has(Property[key.name='scheduler']))",
    message: ON_THE_CLOCK,
  },
  { selector: "NewExpression[callee.name='Date'][arguments.length=0]", message: ON_THE_CLOCK },
];
const ofTheSystem = { selector: "ImportSpecifier[imported.name='systemClock']", message: ON_THE_CLOCK };

export default tseslint.config(
  { ignores: ['dist/', 'coverage/', 'node_modules/', '.cache/', '**/generated/', 'infra/bench/peers/'] },
  js.configs.recommended,
  tseslint.configs.recommendedTypeChecked,
  {
    files: ['**/*.ts'],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/ban-ts-comment': [
        'error',
        { 'ts-ignore': true, 'ts-expect-error': 'allow-with-description' },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/no-floating-promises': ['error', { checkThenables: true }],
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', ignoreRestSiblings: true }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      eqeqeq: 'error',
    },
  },
  // All time is that of the client's clock: a test's fake timers and the simulation depend on it.
  {
    files: ['src/**/*.ts'],
    ignores: ['src/connection/clock.ts'],
    rules: {
      'no-restricted-globals': ['error', ...ofTime],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: ON_THE_CLOCK },
        { object: 'process', property: 'nextTick', message: ON_THE_CLOCK },
        { object: 'process', property: 'hrtime', message: ON_THE_CLOCK },
        ...ofTime.map(({ name }) => ({ object: 'globalThis', property: name, message: ON_THE_CLOCK })),
      ],
      'no-restricted-syntax': ['error', ...offTheClock, ofTheSystem],
    },
  },
  // A connection or a pool that is given no clock has the system's, and what user code throws is reported by the process, as RxJS does.
  {
    files: ['src/connection/connection.ts', 'src/connection/guarded.ts', 'src/connection/stage.ts'],
    rules: { 'no-restricted-syntax': ['error', ...offTheClock] },
  },
  // Jest's asymmetric matchers are of type any.
  { files: ['spec/**/*.ts'], rules: { '@typescript-eslint/no-unsafe-assignment': 'off' } },
  {
    files: ['**/*.mjs', '**/*.js', '**/*.cjs'],
    extends: [tseslint.configs.disableTypeChecked],
    languageOptions: { globals: { process: 'readonly', console: 'readonly' } },
  },
  {
    files: ['infra/demo/page/public/*.js'],
    languageOptions: {
      globals: Object.fromEntries(
        [
          ...['document', 'getComputedStyle', 'matchMedia', 'ResizeObserver'],
          ...['EventSource', 'fetch', 'crypto', 'navigator', 'self', 'SharedWorker'],
        ].map((name) => [name, 'readonly']),
      ),
    },
  },
  prettier,
);

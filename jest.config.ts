/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

const config: Config = {
  testEnvironment: '<rootDir>/infra/checks/coverage-once.mjs',
  roots: ['<rootDir>/spec'],
  testMatch: ['**/*.spec.ts'],
  testSequencer: '<rootDir>/infra/checks/longest-first.mjs',
  // Ends a spec that hangs. It says nothing about speed: the slowest machine with the most to do stays far below.
  testTimeout: 300_000,
  maxWorkers: 2,
  // What files leave behind adds up: a worker is made anew before it takes what small machines have not.
  workerIdleMemoryLimit: '1500MB',
  // Types are checked by `npm run types`.
  transform: {
    '^.+\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/tsconfig.json', diagnostics: false }],
    // The demo's sparklines, an ECMAScript module alone.
    '/node_modules/sparkly/index\\.js$': [
      'ts-jest',
      { tsconfig: { allowJs: true, esModuleInterop: true }, diagnostics: false },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!sparkly/)'],
  moduleNameMapper: {
    '^rxjs-redis$': '<rootDir>/src/index.ts',
    '^rxjs-redis/commands$': '<rootDir>/src/commands/index.ts',
    '^rxjs-redis/nestjs$': '<rootDir>/src/nestjs/index.ts',
    '^rxjs-redis/ioredis$': '<rootDir>/src/ioredis/index.ts',
  },
  // Counts what can run; v8 counts comments and types as covered lines.
  coverageProvider: 'babel',
  collectCoverageFrom: ['src/**/*.ts', '!src/**/generated/**'],
  coverageDirectory: 'coverage',
  coverageReporters: ['text', 'json-summary', 'lcovonly'],
  coverageThreshold: { global: { lines: 95, branches: 90 } },
};

export default config;

/** @jest-config-loader esbuild-register */
import type { Config } from 'jest';

const config: Config = {
  testEnvironment: 'node',
  roots: ['<rootDir>/spec'],
  testMatch: ['**/*.spec.ts'],
  transform: { '^.+\\.ts$': ['ts-jest', { tsconfig: { module: 'CommonJS', target: 'ES2022' }, diagnostics: false }] },
  moduleNameMapper: {
    '^rxjs-redis$': '<rootDir>/src/index.ts',
    '^rxjs-redis/commands$': '<rootDir>/src/commands/index.ts',
  },
  coverageProvider: 'v8',
  collectCoverageFrom: ['src/**/*.ts', '!src/**/generated/**', '!src/index.ts'],
  coverageDirectory: 'coverage',
  testTimeout: 30_000,
};

export default config;

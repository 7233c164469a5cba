import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { Redis } from 'rxjs-redis';
import { useServer } from '../support/server';
import { blocksOf, linksOf } from './markdown';
import { runExample } from './run-example';
import { commandsOf, shellErrors } from './shell';
import { typeErrors } from './type-check';

const ROOT = resolve(__dirname, '../..');
const GUIDES = 'infra/site/guides';
const DOCUMENTS = [
  'MIGRATING.md',
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'RELEASING.md',
  'SECURITY.md',
  ...readdirSync(join(ROOT, GUIDES)).map((guide) => `${GUIDES}/${guide}`),
];
const read = (document: string): string => readFileSync(join(ROOT, document), 'utf8');
const blocks = DOCUMENTS.flatMap((document) => blocksOf(document, read(document)));
const titled = (language: string) =>
  blocks
    .filter((block) => block.language === language)
    .map((block) => [`${block.document}:${block.line}`, block] as const);

describe('The examples in the documents', () => {
  const server = useServer({ own: true });
  beforeEach(async () => {
    const redis = new Redis(server().url);
    await redis.flushall();
    await redis.close();
  });

  it('compile', () => expect(typeErrors(titled('ts').map(([, block]) => block))).toEqual([]));

  it('compile where they are a component of Angular, which the example runs', () => {
    const head = [
      '/// <reference lib="dom" />',
      "import { Component } from '@angular/core';",
      "import { toSignal } from '@angular/core/rxjs-interop';",
      "import { Observable } from 'rxjs';",
    ];
    const components = blocks.filter(({ language, code }) => language === 'text' && code.startsWith('@Component'));
    expect(components).toHaveLength(1);
    expect(typeErrors(components.map((block) => ({ ...block, code: [...head, block.code].join('\n') })))).toEqual([]);
  });

  it.each(titled('ts'))('do what they say: %s', (_, block) => runExample(block, server().url));

  it('are all in a language that is run, or none at all', () => {
    expect(blocks.filter(({ language }) => !['ts', 'sh', 'text'].includes(language))).toEqual([]);
  });
});

describe('The commands in the documents', () => {
  it.each(titled('sh'))('exist: %s', (_, block) => expect(shellErrors(block)).toEqual([]));

  it('are what CI runs: the one of README that passes the tests', () => {
    const lines = blocksOf('README.md', read('README.md')).flatMap(({ code }) => code.split('\n'));
    const tests = lines.map((line) => line.replace(/\s+#.*$/, '')).filter((line) => line.endsWith('npm test'));
    expect(tests).toHaveLength(1);
    expect(readFileSync(join(ROOT, '.ci/run'), 'utf8').split('\n')).toContain(tests[0]);
    expect(commandsOf(tests[0]!)).toHaveLength(2);
  });
});

describe('The links in the documents', () => {
  it.each(DOCUMENTS)('lead to files that are there: %s', (document) => {
    expect(linksOf(read(document)).filter((target) => !existsSync(join(ROOT, dirname(document), target)))).toEqual([]);
  });
});

import { useServer } from '../support/server';
import { blocksOf, type Block } from './markdown';
import { runExample } from './run-example';
import { shellErrors } from './shell';
import { typeErrors } from './type-check';

const block = (code: string, language = 'ts'): Block => ({ document: 'GUIDE.md', line: 11, language, code });

describe('Blocks', () => {
  it('are found with the lines of their code', () => {
    const markdown = 'Intro\n\n```ts\na;\nb;\n```\n\n```sh\nnpm test\n```\n';
    expect(blocksOf('GUIDE.md', markdown)).toStrictEqual([
      { document: 'GUIDE.md', line: 4, language: 'ts', code: 'a;\nb;' },
      { document: 'GUIDE.md', line: 9, language: 'sh', code: 'npm test' },
    ]);
  });

  it('must end', () => {
    expect(() => blocksOf('GUIDE.md', '```ts\na;')).toThrow('GUIDE.md:1: a block that never ends');
  });
});

describe('An example that is right', () => {
  const server = useServer({ own: true });

  it.each([
    ['a value', `await redis.set('k', 'v'); // → 'OK'`],
    ['a variable', `const n = await redis.incr('n'); // → 1\nconst m = n + 1; // → 2`],
    ['several lines', `const list = [\n  await redis.strlen('none'),\n]; // → [0]`],
    ['a line of its own', `await redis.hgetall('none');\n// → {}`],
    ['what it prints', `console.log('a', 1);\nconsole.log(2); // → 2`],
    [
      'what it prints later, call after call',
      `import { interval, take } from 'rxjs';\ninterval(1).pipe(take(2)).subscribe((n) => console.log('n', n)); // → 'n', 0, 'n', 1`,
    ],
    [
      'a client of its own',
      `import { Redis } from 'rxjs-redis';\nconst redis = new Redis('redis://localhost:6379/2');\nawait redis.set('k', '2'); // → 'OK'`,
    ],
    ['nothing', `await redis.ping();`],
  ])('passes: %s', (_, code) => runExample(block(code), server().url));
});

describe('An example that is wrong', () => {
  const server = useServer({ own: true });

  it.each([
    ['another value', `await redis.set('k', 'v');\nawait redis.get('k'); // → 'w'`, /GUIDE.md:12 .*\n[^]*"w"/],
    ['another variable', `const v = await redis.set('k', 'v'); // → 'KO'`, /GUIDE.md:11 /],
    ['a reply that nobody awaits', `redis.set('k', 'v'); // → 'OK'`, /GUIDE.md:11 /],
    ['something else printed', `console.log('a'); // → 'b'`, /GUIDE.md:11 /],
    ['more printed', `for (const n of [1, 2]) console.log(n); // → 1`, /GUIDE.md:11 /],
    ['an error', `await redis.set('k', 'v');\nawait redis.lpush('k', 'x');`, /WRONGTYPE/],
    ['an expectation of nothing', `if (server) {\n}\n// → 1`, /GUIDE.md:13: → stands behind no value/],
  ])('fails: %s', async (_, code, complaint) => {
    await expect(runExample(block(code), server().url)).rejects.toThrow(complaint);
  });

  it('fails: nothing printed', async () => {
    const silent = block(`redis.subscribe('silence').subscribe(({ data }) => console.log(data)); // → 'x'`);
    await expect(runExample(silent, server().url, 100)).rejects.toThrow(/GUIDE.md:11 /);
  });
});

describe('The compiler', () => {
  it('names document and line of what does not fit', () => {
    const examples = [`const n: string = await redis.incr('n');`, `await redis.ping();\nawait redis.set(true, 'v');`];
    const unknown = `import { Rediss } from 'rxjs-redis';\nnew Rediss();`;
    expect(typeErrors([...examples, unknown].map((code) => block(code)))).toEqual([
      expect.stringMatching(/^GUIDE.md:11: .*'number'/),
      expect.stringMatching(/^GUIDE.md:12: [^]*boolean/),
      expect.stringMatching(/^GUIDE.md:11: .*Rediss/),
    ]);
  });
});

describe('Shell commands', () => {
  const errors = (code: string) => shellErrors(block(code, 'sh'));

  it('may name what is there', () => {
    const code = [
      'npm ci && npm test',
      'REDIS_FROM=packages npm run bench -- --only get # a comment',
      'npm install rxjs-redis rxjs',
      'npx jest spec/examples',
      '',
      '# nothing but a comment',
    ];
    expect(errors(code.join('\n'))).toEqual([]);
  });

  it.each([
    ['a script', 'npm ci && npm run magic', "GUIDE.md:11: there is no script 'magic'"],
    ['a file', 'npx jest spec/nowhere', 'GUIDE.md:11: there is no spec/nowhere'],
    ['a package', 'npm install rxjs-redis left-pad', 'GUIDE.md:11: nobody needs left-pad'],
    ['a program', 'npm ci\nyarn install', 'GUIDE.md:12: cannot tell what `yarn install` does'],
  ])('may not name what is not there: %s', (_, code, complaint) => expect(errors(code)).toEqual([complaint]));
});

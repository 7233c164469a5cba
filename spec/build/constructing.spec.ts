import { typeErrors } from '../examples/type-check';

/** What the compiler says of expressions: of each, all of it in one line. */
function complaints(expressions: readonly string[]): string[] {
  const blocks = expressions.map((expression, index) => ({
    document: `expression ${index}`,
    line: 1,
    language: 'ts',
    code: `import { Redis } from 'rxjs-redis';\nexport const client = ${expression};`,
  }));
  const errors = typeErrors(blocks);
  return blocks.map(({ document }) =>
    errors
      .filter((error) => error.startsWith(`${document}:`))
      .join(' ')
      .replace(/\s+/g, ' '),
  );
}

describe('The compiler', () => {
  const wrong: [expression: string, option: string][] = [
    [`new Redis({ port: 6380, hots: 'there' })`, 'hots'],
    [`new Redis({ port: 6380, reconnect: { factr: 2 } })`, 'factr'],
    [`new Redis({ prot: 6380 })`, 'prot'],
    [`new Redis('redis://localhost', { port: 6380, commandTimout: 5 })`, 'commandTimout'],
  ];
  const right = ['new Redis()', `new Redis({ port: 6380 })`, `new Redis('redis://localhost', { port: 6380 })`];
  let said: string[];
  beforeAll(() => {
    said = complaints([...right, ...wrong.map(([expression]) => expression)]);
  });

  it('has nothing to say of a URL, of options, and of both', () => {
    expect(said.slice(0, right.length)).toStrictEqual(right.map(() => ''));
  });

  it.each(wrong)('names the option that is wrong in %s, and no other', (expression, option) => {
    const complaint = said[right.length + wrong.findIndex(([one]) => one === expression)]!;
    // The overload of options is the last, which compilers name alone or with the others before it.
    expect(complaint).toMatch(new RegExp(`'${option}' does not exist in type '[^']*Options`));
    expect(complaint.split(/Overload 2 of 2, /).at(-1)).toContain(`'${option}' does not exist in type`);
    expect(complaint).not.toContain(`'port'`);
  });
});

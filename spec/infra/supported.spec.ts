import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { BEGIN, END, supportedTable, withTable } from '../../infra/supported/table';

describe('The table of what the package is tried with', () => {
  const readme = readFileSync(join(__dirname, '../../README.md'), 'utf8');

  it('stands in README as it is today; `npm run supported` writes it', () => {
    expect(withTable(readme)).toBe(readme);
  });

  it('has what the folders of infra pin', () => {
    const { dependencies } = JSON.parse(readFileSync(join(__dirname, '../../infra/nodes/package.json'), 'utf8')) as {
      dependencies: Record<string, string>;
    };
    for (const version of Object.values(dependencies)) expect(supportedTable()).toContain(version.split('@')[1]);
    expect(supportedTable()).toContain('Valkey 9.1');
  });

  it('takes the place of an older one, and misses no lines to stand between', () => {
    expect(withTable(`a\n${BEGIN}\nold\n${END}\nb`)).toBe(`a\n${BEGIN}\n\n${supportedTable()}\n\n${END}\nb`);
    expect(() => withTable('nothing')).toThrow(`There are no lines ${BEGIN} and ${END}`);
  });
});

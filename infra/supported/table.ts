import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import manifest from '../../package.json';
import { serverNames } from '../servers/server-names';

const INFRA = join(__dirname, '..');

/** The table stands between these lines of README. */
export const BEGIN = '<!-- supported: written by `npm run supported` -->';
export const END = '<!-- /supported -->';

/** What the package is tried with, as a table: what the folders of infra pin, and nothing that stands in no spec. */
export function supportedTable(): string {
  const servers = serverNames.map((name) => name.replace('redis-', 'Redis ').replace('valkey-', 'Valkey '));
  const { bun, deno, miniflare } = pinned('runtimes');
  const rows = [
    ['Servers', servers.join(', '), 'npm run test:matrix'],
    [
      'Node.js',
      [manifest.engines.node.replace('>=', ''), ...Object.values(pinned('nodes'))].join(', '),
      'npm test, npm run test:nodes',
    ],
    ['Other runtimes', `Bun ${bun}, Deno ${deno}, workerd by Miniflare ${miniflare}`, 'npm test'],
    ['TypeScript', Object.values(pinned('typescript')).join(', '), 'npm test'],
    [
      'NestJS',
      `${manifest.devDependencies['@nestjs/core'].replace('^', '')}, ${pinned('nest')['@nestjs/core']}`,
      'npm test',
    ],
    ['RxJS', Object.values(pinned('rxjs')).filter(isSupported).join(', '), 'npm test'],
  ];
  const lines = rows.map(([what, versions, command]) => [
    what!,
    versions!,
    command!
      .split(', ')
      .map((one) => `\`${one}\``)
      .join(', '),
  ]);
  return aligned([['', 'tried with', 'by'], ...lines]);
}

/** A table of Markdown whose columns are as wide as they have to be. */
function aligned([head, ...lines]: readonly (readonly string[])[]): string {
  const widths = head!.map((_, column) => Math.max(...[head!, ...lines].map((cells) => cells[column]!.length)));
  const rule = widths.map((width) => '-'.repeat(width));
  const line = (cells: readonly string[]) => `| ${cells.map((cell, n) => cell.padEnd(widths[n]!)).join(' | ')} |`;
  return [head!, rule, ...lines].map(line).join('\n');
}

/** A text with the table of today in it. */
export function withTable(text: string): string {
  const [first, last] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (first === -1 || last < first) throw new Error(`There are no lines ${BEGIN} and ${END}`);
  return `${text.slice(0, first)}${BEGIN}\n\n${supportedTable()}\n\n${text.slice(last)}`;
}

/** Versions by name, of an alias the version alone. */
function pinned(folder: string): Readonly<Record<string, string>> {
  const { dependencies } = JSON.parse(readFileSync(join(INFRA, folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  return Object.fromEntries(
    Object.entries(dependencies).map(([name, version]) => [name, version.slice(version.lastIndexOf('@') + 1)]),
  );
}

/** The next version of RxJS is tried as well: it is refused. */
function isSupported(version: string): boolean {
  return !version.startsWith('9.');
}

import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import manifest from '../../package.json';
import type { Block } from './markdown';

const ROOT = resolve(__dirname, '../..');
const INSTALLABLE = [manifest.name, ...Object.keys(manifest.peerDependencies)];

/** What is wrong with the commands of a shell block: scripts, files and packages that do not exist, programs that nobody has. */
export function shellErrors({ document, line, code }: Block): readonly string[] {
  return code.split('\n').flatMap((text, index) =>
    commandsOf(text).flatMap((words) => {
      const error = errorIn(words);
      return error === undefined ? [] : [`${document}:${line + index}: ${error}`];
    }),
  );
}

/** The commands of a line without the variables set for them and without comments. */
export function commandsOf(line: string): readonly (readonly string[])[] {
  return line
    .replace(/(^|\s)#.*$/, '')
    .split('&&')
    .map((command) => command.trim().split(/\s+/))
    .map((words) => words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word))))
    .filter(([program]) => program !== '');
}

function errorIn([program, verb, ...rest]: readonly string[]): string | undefined {
  switch (`${program} ${verb}`) {
    case 'npm ci':
      return undefined;
    case 'npm test':
      return scriptError('test');
    case 'npm run':
      return scriptError(rest[0] ?? '');
    case 'npm install': {
      const stranger = rest.find((name) => !INSTALLABLE.includes(name));
      return stranger === undefined ? undefined : `nobody needs ${stranger}`;
    }
    case 'npx jest':
      return rest.filter((word) => !word.startsWith('-')).map(fileError)[0];
    default:
      return `cannot tell what \`${program} ${verb}\` does`;
  }
}

function scriptError(name: string): string | undefined {
  return name in manifest.scripts ? undefined : `there is no script '${name}'`;
}

function fileError(path: string): string | undefined {
  return existsSync(join(ROOT, path)) ? undefined : `there is no ${path}`;
}

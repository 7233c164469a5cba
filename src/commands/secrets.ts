import { shortened } from '../errors';
import { isNamed } from './indices-of';
import { occurrences } from './occurrences';
import type { Arg, Command, SecretArguments } from './command';
import { runsScripts } from './runs-scripts';
import { textOf } from './text-of';
import { isBytes } from '../resp/is-bytes';

/** A command as far as its secrets matter. */
type Sent = Pick<Command, 'spec' | 'args'>;

const HIDDEN = '***';
/** Characters of a server's text that are looked through and shown. */
const LONGEST_TEXT = 4096;
/** Characters of an argument in a log, and how many arguments. */
const LONGEST_ARGUMENT = 64;
const MOST_ARGUMENTS = 16;
/** Bytes of a character. */
const LONGEST_CHARACTER = 4;
const NONE: ReadonlySet<number> = new Set();

/** With it a rule of ACL SETUSER begins that holds a password or its hash. */
const SIGN = /^[><#!]/;
/** Such a rule among those of a selector: `(+get >password)`. */
const RULE_OF_SELECTOR = /(?<=[\s()])([><#!])[^\s()]+/g;
const IN_WORD = /\w/;
const LINE_BREAKS = /[\r\n]/g;

/** The arguments of a command that must never be shown, as text; passwords of ACL rules without the sign before them. */
function secretsOf({ spec: { secrets }, args }: Sent): string[] {
  if (secrets === undefined) return [];
  const texts = args.map(textOf);
  if ('startingWith' in secrets) return texts.flatMap(passwordsOf);
  return [...secretPlaces(secrets, texts)].map((at) => texts[at]!);
}

/** Where the secret arguments stand, when they are secret as a whole. */
function secretPlaces(
  secrets: Exclude<SecretArguments, { startingWith: string }>,
  texts: readonly string[],
): Set<number> {
  const places = new Set<number>();
  texts.forEach((text, at) => {
    if ('from' in secrets) {
      if (at >= secrets.from) places.add(at);
    } else if ('valuesOf' in secrets) {
      if (secrets.valuesOf.includes(text.toLowerCase()) && at + 1 < texts.length) places.add(at + 1);
    } else {
      const last = Math.min(at + (secrets.after[text.toUpperCase()] ?? 0), texts.length - 1);
      for (let next = at + 1; next <= last; next++) places.add(next);
    }
  });
  return places;
}

/** A text of the server without the secrets of the command. Only the beginning of a long text is shown. */
export function withoutSecrets(text: string, command: Sent): string {
  const secrets = new Set(secretsOf(command));
  const start = text.slice(0, LONGEST_TEXT);
  if (secrets.size === 0) return shortened(text, LONGEST_TEXT);
  const hidden = new Uint8Array(start.length);
  let end = start.length;
  for (const secret of secrets) end = Math.max(end, hide(secret, text, hidden));
  let shown = '';
  for (let from = 0; from < start.length;) {
    const isHidden = hidden[from]!;
    const change = hidden.indexOf(1 - isHidden, from);
    const next = change < 0 ? start.length : change;
    shown += isHidden ? HIDDEN : start.slice(from, next);
    from = next;
  }
  return text.length > end ? `${shown}…` : shown;
}

/** Marks where a secret stands in the beginning of a text, and returns where that ends. A short one is not taken out of the middle of other words. */
function hide(secret: string, text: string, hidden: Uint8Array): number {
  if (secret === '') return 0;
  // Servers write spaces for line breaks in errors. Of a long secret the beginning is looked for.
  const word = secret.slice(0, LONGEST_TEXT).replace(LINE_BREAKS, ' ');
  const searched = text.slice(0, hidden.length + word.length).replace(LINE_BREAKS, ' ');
  let from = 0;
  for (const start of occurrences(word, searched)) {
    const end = start + secret.length;
    if (start < from || IN_WORD.test(text.charAt(start - 1)) || IN_WORD.test(text.charAt(end))) continue;
    hidden.fill(1, start, end);
    from = end;
  }
  return from;
}

/**
 * A text of the server without the arguments that servers repeat, whatever the command was: those of commands that they do not know,
 * HELLO's among them; passwords in rules of ACL SETUSER; values of CONFIG SET.
 */
export function withoutRepeated(text: string): string {
  const unknown = text.indexOf(', with args beginning with: ');
  const known = unknown < 0 ? text : text.slice(0, unknown);
  const withoutRules = replaceQuoted(known, "ACL SETUSER modifier '", "':", withoutPassword);
  return replaceQuoted(withoutRules, "Invalid argument '", "' for CONFIG SET '", () => HIDDEN);
}

/** Replaces what stands in quotation marks, and may hold quotation marks itself. */
function replaceQuoted(text: string, before: string, behind: string, replace: (quoted: string) => string): string {
  const at = text.indexOf(before);
  if (at < 0) return text;
  const start = at + before.length;
  const last = text.lastIndexOf(behind);
  const end = last < start ? text.length : last;
  return text.slice(0, start) + replace(text.slice(start, end)) + text.slice(end);
}

/** The passwords and hashes in a rule of ACL SETUSER. */
function passwordsOf(rule: string): string[] {
  if (SIGN.test(rule)) return [rule.slice(1)];
  return (rule.match(RULE_OF_SELECTOR) ?? []).map((inner) => inner.slice(1));
}

function withoutPassword(rule: string): string {
  return SIGN.test(rule) ? rule.charAt(0) + HIDDEN : rule.replace(RULE_OF_SELECTOR, `$1${HIDDEN}`);
}

/** A command as far as it is shown. */
type Shown = Pick<Command, 'spec' | 'args' | 'keys'>;

/** How much of a command is shown. */
export interface Showing {
  /** what stands in the place of a hidden argument */
  readonly hidden: string;
  /** values as well, and not keys alone; what the facts call a secret, and what they do not know, stays hidden */
  readonly values: boolean;
  /** has the last word about what is shown, of what is hidden already too; undefined where nothing is to be changed */
  readonly redact?: ((command: string, args: readonly string[]) => readonly string[]) | undefined;
}

const IN_LOGS: Showing = { hidden: HIDDEN, values: false };

/**
 * The arguments of a command as a log may show them: its keys, cut off when they are long. All others are hidden, because it is not known
 * which values and which arguments of scripts and modules are secrets.
 */
export function shownArguments({ spec, args, keys }: Shown, { hidden, values }: Showing = IN_LOGS): string[] {
  const { length } = args;
  const secrets = spec.secrets === undefined ? NONE : secretAmong({ spec, args });
  const all = values && spec.foreign !== true && !runsScripts(spec);
  const shown: string[] = [];
  for (let at = 0; at < length && at < MOST_ARGUMENTS; at++) {
    const isShown = (all || isNamed(at, keys, length)) && !secrets.has(at);
    shown.push(isShown ? shortened(startOf(args[at]!), LONGEST_ARGUMENT) : hidden);
  }
  if (length > MOST_ARGUMENTS) shown.push(`… ${length - MOST_ARGUMENTS} more`);
  return shown;
}

/** Where secret arguments stand; a rule of ACL SETUSER with a password in it is one as a whole. */
function secretAmong({ spec, args }: Sent): ReadonlySet<number> {
  const secrets = spec.secrets!;
  const texts = args.map(textOf);
  if (!('startingWith' in secrets)) return secretPlaces(secrets, texts);
  return new Set(texts.flatMap((rule, at) => (passwordsOf(rule).length > 0 ? [at] : [])));
}

/** The beginning of an argument as text. A value may be large, and its end is not shown. */
function startOf(arg: Arg): string {
  if (isBytes(arg)) return textOf(arg.subarray(0, LONGEST_ARGUMENT * LONGEST_CHARACTER + 1));
  return textOf(typeof arg === 'string' ? arg.slice(0, LONGEST_ARGUMENT + 1) : arg);
}

/**
 * A command as one line, in the syntax of redis-cli: `SET k ?`. Of several commands that travel as one it shows each, but for those beyond
 * the first 16.
 */
export function statementOf(commands: readonly Shown[], showing: Showing): string {
  if (commands.length === 1) return lineOf(commands[0]!, showing);
  const shown = commands.slice(0, MOST_ARGUMENTS).map((command) => lineOf(command, showing));
  if (commands.length > MOST_ARGUMENTS) shown.push(`… ${commands.length - MOST_ARGUMENTS} more`);
  return shown.join('; ');
}

function lineOf(command: Shown, showing: Showing): string {
  let line = command.spec.name;
  for (const arg of redacted(command, showing)) line += ` ${quoted(arg)}`;
  return line;
}

const WORD = /^[^\s"'\\;\p{C}]+$/u;

/** What its user leaves of the arguments that are shown; nothing where that fails. */
function redacted(command: Shown, showing: Showing): readonly string[] {
  const args = shownArguments(command, showing);
  const { hidden, redact } = showing;
  if (redact === undefined) return args;
  try {
    return redact(command.spec.name, args).map(String);
  } catch {
    return args.map(() => hidden);
  }
}

/** A word stands as it is; all else is quoted. */
function quoted(arg: string): string {
  return WORD.test(arg) || arg.startsWith('… ') ? arg : JSON.stringify(arg);
}

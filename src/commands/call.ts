import type { Frame } from '../resp/frames';
import { kindOf } from '../resp/kind-of';
import { fromRest, type Optionals } from './arguments';
import { Command, type Arg, type CommandSpec } from './command';
import { defineSpec } from './define-spec';
import { withReplyErrors } from './reply-error';
import { isBytes } from '../resp/is-bytes';

/** Characters that no command's name may have, because a name is written a byte a character. */
const NOT_IN_NAMES = /[^\s!-~]/;

/** The facts of a command that the client knows nothing of: nothing may be assumed. */
function unknownSpec(name: string): CommandSpec {
  return defineSpec(name, { access: 'write', foreign: true });
}

function asItCame<T>(frame: Frame): T {
  return withReplyErrors(frame) as T;
}

/**
 * A command by its name, for what has no builder: new commands, modules.
 * @param name one or several words: `JSON.SET`, `CLIENT LIST`
 * @param given one by one, or as one array, which may be longer than V8 lets arguments be
 * @returns the reply as RESP has it: maps are `Map`, sets are arrays, errors inside them are ReplyErrors
 * @throws TypeError when the name is empty or not printable ASCII, or an argument cannot be sent
 * @example
 * new Redis({ onConnect: [call('CLIENT', 'NO-TOUCH', 'ON')] });
 */
export function call<T = unknown>(name: string, ...given: Optionals<Arg>): Command<T> {
  if (typeof name !== 'string' || name.trim() === '') {
    const got = typeof name === 'string' ? 'an empty string' : kindOf(name);
    throw new TypeError(`call: the command's name must be a word, got ${got}`);
  }
  // Before the upper case, which makes ASCII of some letters that are none.
  const odd = name.search(NOT_IN_NAMES);
  if (odd >= 0) {
    throw new TypeError(`call: the name of a command is printable ASCII, which character ${odd + 1} is not`);
  }
  const words = name.trim().toUpperCase().split(/\s+/).join(' ');
  const args = fromRest(given);
  args.forEach((arg, index) => {
    if (!isArg(arg)) throw new TypeError(`call ${words}: argument ${index + 1} cannot be sent, got ${kindOf(arg)}`);
  });
  return new Command<T>(unknownSpec(words), args, asItCame<T>);
}

function isArg(arg: unknown): arg is Arg {
  if (typeof arg === 'number') return !Number.isNaN(arg);
  return typeof arg === 'string' || typeof arg === 'bigint' || isBytes(arg);
}

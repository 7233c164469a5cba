import { Command, type ScriptFact } from '../commands/command';
import { outsideTransactions, withScript } from '../commands/define-spec';
import { FCALL, FCALL_RO, FUNCTION_LOAD, functionList } from '../commands/generated/scripting';
import { bareRecord, readName } from '../commands/replies';
import { Reply, type ReplySource } from '../commands/reply';
import type { Executor } from '../commands/request-context';
import type { RedisError } from '../errors';
import { onlyKnown } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import { callable, checkedOptions, type Script, type ScriptOptions } from './script';
import type { ScriptReply } from './script-replies';

/** The functions of a library that are called, by their names. */
export type LibraryFunctions = Readonly<Record<string, ScriptOptions>>;

/** The options of a library. */
export interface LibraryOptions<F extends LibraryFunctions = LibraryFunctions> {
  readonly functions: F;
}

/** A library of functions: what `redis.library` gives. */
export interface Library<F extends LibraryFunctions = LibraryFunctions, S extends string | Buffer = string> {
  /** as its first line says it */
  readonly name: string;
  /** its functions; where the server does not know one, the call gives it the library */
  readonly functions: {
    readonly [K in keyof F]: Script<
      F[K] extends { readonly keys: infer N extends number } ? N : number,
      F[K] extends { readonly reply: infer R extends ScriptReply } ? R : undefined,
      S
    >;
  };
  /**
   * Gives the server the library, unless it has it with the same code. A library of that name with other code is replaced.
   * @returns its name
   * @throws ReplyError when the server refuses it, as it does where it does not compile
   */
  load(this: void): Reply<string>;
}

/** The first line of a library: `#!lua name=shop`. */
const HEADER = /^#!\s*\w+(?:[ \t]+\S+)*?[ \t]+name=(\w+)(?=\s)/;

/** A library of functions as a server keeps it. */
class LibrarySource implements ScriptFact {
  readonly id: string;
  readonly load: Command<string>;
  readonly replace: Command<string>;

  constructor(
    name: string,
    readonly text: string,
  ) {
    this.id = `library ${name}`;
    const spec = withScript(FUNCTION_LOAD, this);
    this.load = new Command(spec, [text], readName);
    this.replace = new Command(spec, ['REPLACE', text], readName);
  }
}

/**
 * A library of functions, and its functions as functions.
 * @throws TypeError when the code has no name in its first line, or an option is wrong
 */
export function libraryOf(
  source: ReplySource,
  send: <T>(command: Command<T>) => Reply<T>,
  code: unknown,
  options: unknown,
): Library {
  if (typeof code !== 'string') throw new TypeError(`library: the code is a string, got ${kindOf(code)}`);
  const name = HEADER.exec(code)?.[1];
  if (name === undefined) {
    throw new TypeError('library: the first line of the code names an engine and the library, as #!lua name=shop does');
  }
  const library = new LibrarySource(name, code);
  const writing = withScript(FCALL, library);
  const reading = withScript(FCALL_RO, library);
  const functions = bareRecord<Script<number, ScriptReply>>();
  for (const [called, given] of Object.entries(functionsIn(options))) {
    const method = `library ${name}: ${called}`;
    const checked = checkedOptions(method, given);
    const spec = checked.readOnly === true ? reading : writing;
    functions[called] = callable(send, { method, spec, name: () => called, options: checked });
  }
  const loading = { ...source, bytes: false, executor: unlessThere(source, name, code) };
  return { name, functions, load: () => Reply.from(loading, library.replace) };
}

function functionsIn(options: unknown): Record<string, unknown> {
  const { functions } = onlyKnown('library', (options ?? {}) as Record<string, unknown>, ['functions']);
  if (typeof functions !== 'object' || functions === null || Array.isArray(functions)) {
    throw new TypeError(`library: 'functions' are objects by the names of functions, got ${kindOf(functions)}`);
  }
  return functions as Record<string, unknown>;
}

/** Submits the command that loads a library only where the server does not have it with the same code. */
function unlessThere(source: ReplySource, name: string, code: string): Executor {
  const asked = { ...source, bytes: false };
  const { spec, args, read } = functionList({ LIBRARYNAME: name, WITHCODE: true });
  // Between MULTI and EXEC there is no answer to decide by.
  const list = new Command(outsideTransactions(spec), args, read, []);
  return {
    submit: (request) => {
      const asking = Reply.from(asked, list).subscribe({
        next: (libraries) => {
          const isThere = libraries.some((one) => one.library_name === name && one.library_code === code);
          if (isThere) request.settle(name);
          else source.executor.submit(request);
        },
        error: (error: RedisError) => request.fail(error),
      });
      request.onLeave(asking);
    },
  };
}

import { createHash } from 'node:crypto';
import { Command, type CommandSpec, type ScriptFact } from './command';
import { withScript } from './define-spec';
import { EVAL, EVALSHA, EVALSHA_RO, EVAL_RO, SCRIPT_LOAD } from './generated/scripting';
import { readName } from './replies';

/** A Lua script, which a server knows by its SHA-1 once it has been given the whole of it. */
export class LuaScript implements ScriptFact {
  private hash: string | undefined;
  private loading: Command<string> | undefined;
  private writing: CommandSpec | undefined;
  private reading: CommandSpec | undefined;

  constructor(readonly text: string) {}

  /** Its SHA-1 in hexadecimal digits, worked out when it is asked for. */
  get id(): string {
    return (this.hash ??= createHash('sha1').update(this.text).digest('hex'));
  }

  get load(): Command<string> {
    return (this.loading ??= new Command(withScript(SCRIPT_LOAD, this), [this.text], readName));
  }

  get replace(): Command<string> {
    return this.load;
  }

  /** The facts of its calls. */
  specOf(readOnly: boolean): CommandSpec {
    if (readOnly) return (this.reading ??= withScript(EVALSHA_RO, this));
    return (this.writing ??= withScript(EVALSHA, this));
  }
}

/** The call of a script with the whole of it in place of its SHA-1; undefined for functions, which are never sent in a call. */
export function wholeCall({ spec, args, read, keys }: Command): Command | undefined {
  if (!spec.name.startsWith('EVALSHA')) return undefined;
  const whole = spec.name === 'EVALSHA_RO' ? EVAL_RO : EVAL;
  return new Command(whole, [spec.script!.text, ...args.slice(1)], read, keys);
}

/** What a server before 7.0 has in place of EVALSHA_RO and EVAL_RO. */
export function olderForm(spec: CommandSpec): CommandSpec {
  if (spec.name === 'EVALSHA_RO') return EVALSHA;
  return spec.name === 'EVAL_RO' ? EVAL : spec;
}

/** A command that gives a script to the server, and does not call it. */
export function isLoad({ spec }: Pick<Command, 'spec'>): boolean {
  return spec.name === 'SCRIPT LOAD' || spec.name === 'FUNCTION LOAD';
}

import type { Group } from '../commands/group';
import type { Command, CommandSpec, ScriptFact } from '../commands/command';
import { isLoad, olderForm } from '../commands/lua-script';
import { isQueued } from '../commands/queued';
import { FUNCTIONS_SINCE, hasNotRun, lacksScript, tellsOfLack, toReplyError } from '../commands/reply-error';
import { Request, type ReplyObserver } from '../commands/request';
import { plainContext } from '../commands/request-context';
import { withoutStacks } from '../commands/without-stacks';
import { ReplyError } from '../errors';
import type { ErrorFrame } from '../resp/frames';
import { type Frame } from '../resp/frames';
import type { Ring } from './ring';

/** After these the server knows some scripts or functions no more. */
const FORGETTING = new Set(['SCRIPT FLUSH', 'FUNCTION DELETE', 'FUNCTION FLUSH', 'FUNCTION RESTORE']);

/** More scripts than these are not remembered: all are forgotten, and each is found out about anew. */
const MOST = 10_000;

/** The first number of the version in which scripts that only read, and functions, have commands of their own. */
const FIRST_WITH_READS = 7;
/** The answer of an older server to them. */
const UNKNOWN = /^ERR unknown command\b/;

/** The answer to FUNCTION LOAD without REPLACE where there is a library of that name. */
const ALREADY_THERE = /^ERR Library '\w+' already exists$/;

/** Whether the server has a script. Requests are named by their numbers among all that were ever owed. */
type Knowledge =
  /**
   * it does not: the next call brings it along
   * @param refusal the error with which the server refused it when it was given to it last
   */
  | { readonly kind: 'missing'; readonly refusal?: ErrorFrame | undefined }
  /**
   * it has it, for those that were written behind `since`
   * @param bearer the call for which it was given to the server, or which was that itself; -1 where the server had it before
   * @param mayVanish perhaps only EVAL has brought it: newer servers drop such a script for others, unless SCRIPT LOAD gives it to them
   */
  | {
      readonly kind: 'there';
      readonly since: number;
      readonly bearer: number;
      readonly mayVanish: boolean;
      refusal?: ErrorFrame;
    };

/**
 * How often the connections of a client have written a command that makes the server forget scripts, or had it answered: the server runs it
 * between the two. They share it.
 */
export interface Forgettings {
  count: number;
}

/** Which scripts and libraries of functions the server of one link has, as far as its replies told. It ends with the link. */
//            ┌───────────────── it was refused, SCRIPT FLUSH ◀─────────────┐
//            ▼                                                             │
//  not known ──a call was answered────────────────────────────────▶ there ─┘
//      │                                                          ▲  │
//      └──NOSCRIPT──▶ missing ──given to the server with a call───┘  │
//                        ▲───────────────NOSCRIPT────────────────────┘
export class LoadedScripts {
  /** by the names of scripts; undefined until one is used */
  private knowledge: Map<string, Knowledge> | undefined;
  /** the count of `forgettings` when that was learnt */
  private seen = 0;
  /** the first request whose reply tells what the server knows since then */
  private firstSince = 0;
  /** what was written here that makes the server forget scripts, and is not answered */
  private forgetting: Set<Request> | undefined;
  /** the user may use SCRIPT LOAD, as far as is known */
  private mayLoad = true;
  /** groups in which scripts are called or loaded */
  private groups: Set<Request> | undefined;
  /** the first number of the server's version; undefined where the server has not said it */
  private major: number | undefined;

  /** @param owed the requests that were written and are not answered */
  constructor(
    private readonly owed: Ring<Request>,
    private readonly forgettings: Forgettings = { count: 0 },
  ) {}

  private get known(): Map<string, Knowledge> | undefined {
    if (this.seen === this.forgettings.count) return this.knowledge;
    this.seen = this.forgettings.count;
    this.firstSince = this.owed.passed + this.owed.length;
    return (this.knowledge = undefined);
  }

  /** What the server says of its version in the handshake. */
  serves(version: string | undefined): void {
    const major = Number.parseInt(version ?? '', 10);
    this.major = Number.isNaN(major) ? undefined : major;
  }

  /** @throws TypeError when this server cannot run a call */
  refuse({ name }: CommandSpec): void {
    const { major } = this;
    if (major === undefined || major >= FIRST_WITH_READS || !/^(FCALL|FUNCTION)/.test(name)) return;
    throw new TypeError(`${FUNCTIONS_SINCE}, and the server has version ${major}`);
  }

  /**
   * A call as this server knows it: those that only read have no command of their own before Redis 7.0.
   * @param tells whether its reply may tell which it is, where the server has not said it
   */
  formOf(spec: CommandSpec, tells: boolean): CommandSpec {
    const isNew = this.major === undefined ? tells : this.major >= FIRST_WITH_READS;
    return isNew ? spec : olderForm(spec);
  }

  /** Whether the server has a script: undefined where that is not known. */
  has({ id }: ScriptFact): boolean | undefined {
    const knowledge = this.known?.get(id);
    return knowledge && knowledge.kind === 'there';
  }

  /**
   * A script is given to the server.
   * @param since the number of the request that gives it
   * @param bearer the number of the call that needs it
   */
  gives({ id }: ScriptFact, since: number, bearer: number): void {
    this.note(id, { kind: 'there', since, bearer, mayVanish: false });
  }

  /** Whether a group may call a script without giving it to the server ahead: it is there, and stays. */
  private keeps({ id }: ScriptFact): boolean {
    const knowledge = this.known?.get(id);
    return knowledge?.kind === 'there' && !knowledge.mayVanish;
  }

  /**
   * A group that calls or loads scripts is about to be written.
   * @param called the scripts
   * @param number that of the first request that is written for it
   * @returns what is to be written ahead of it, and the scripts whose first calls in it are to be whole: also a user who may not load
   * scripts can run those
   */
  loadsFor(
    group: Request,
    called: ReadonlySet<ScriptFact>,
    number: number,
  ): { readonly loads: readonly Command[]; readonly whole: Set<ScriptFact> } {
    const { commands } = group.command as Group;
    const given = new Set(commands.filter(isLoad).map(({ spec }) => spec.script!));
    const loads: Command[] = [];
    const whole = new Set<ScriptFact>();
    for (const script of called) {
      if (given.has(script) || this.keeps(script)) continue;
      whole.add(script);
      if (!this.mayLoad && script.load.spec.name === 'SCRIPT LOAD') continue;
      const has = this.has(script);
      this.gives(script, number + loads.length, -1);
      loads.push(has === false ? script.replace : script.load);
    }
    for (const script of given) this.gives(script, number + loads.length, -1);
    (this.groups ??= new Set()).add(group);
    return { loads, whole };
  }

  /** A command is written that is not plain, or is a member of a group that is: perhaps it makes the server forget scripts. */
  wrote(request: Request, { name }: CommandSpec): void {
    if (!FORGETTING.has(name)) return;
    this.forgettings.count++;
    (this.forgetting ??= new Set()).add(request);
  }

  /** A request that is not plain was answered. */
  answered(request: Request): void {
    if (this.forgetting?.delete(request) === true) this.forgettings.count++;
  }

  /** A request that gives a script to the server, or calls it, was answered, and not with an error. */
  ran({ command }: Request, number: number, frame: Frame): void {
    const { id } = command.spec.script!;
    if (command.spec.name === 'EVALSHA_RO') this.major ??= FIRST_WITH_READS;
    if (isQueued(frame)) return;
    const knowledge = this.known?.get(id);
    // It runs although it could not be loaded, as where access rules allow EVAL alone: to load it ahead would be in vain.
    if (knowledge?.kind !== 'there') this.there(command, number);
    else if (knowledge.bearer === number && knowledge.refusal !== undefined)
      this.gives(command.spec.script!, number, -1);
  }

  /** The server had a script before it was given to it here. */
  private there({ spec }: Command, since: number): void {
    if (since < this.firstSince) return;
    const { id, load } = spec.script!;
    this.note(id, {
      kind: 'there',
      since,
      bearer: -1,
      mayVanish: load.spec.name === 'SCRIPT LOAD' && !isLoad({ spec }),
    });
  }

  /**
   * A request that gives a script to the server, or calls it, was answered with an error.
   * @returns whether it did not run because the server lacks the script, and is to be sent once more; or the error with which the
   * server refused the script when it was given to it
   */
  refused({ command }: Request, number: number, error: ErrorFrame): boolean | ErrorFrame {
    const { spec } = command;
    const { id } = spec.script!;
    const knowledge = this.known?.get(id);
    if (this.major === undefined && spec.name === 'EVALSHA_RO' && UNKNOWN.test(error.text)) {
      this.major = FIRST_WITH_READS - 1;
      return true;
    }
    if (lacksScript(error.text, spec)) {
      if (knowledge?.kind !== 'there') this.note(id, { kind: 'missing' });
      else if (knowledge.bearer === number) {
        this.known!.delete(id);
        return knowledge.refusal ?? false;
      } else if (knowledge.since < number) this.note(id, { kind: 'missing' });
      return true;
    }
    if (knowledge === undefined) {
      if (!hasNotRun(error, command)) this.there(command, number);
    } else if (knowledge.kind === 'there' && knowledge.bearer === number && knowledge.refusal !== undefined) {
      this.known!.delete(id);
    } else if (knowledge.kind === 'there' && knowledge.since === number) {
      if (ALREADY_THERE.test(error.text)) return false;
      if (spec.name === 'SCRIPT LOAD' && error.text.startsWith('NOPERM ')) this.mayLoad = false;
      if (isLoad(command)) knowledge.refusal = error;
      else this.known!.delete(id);
    }
    return false;
  }

  /**
   * Notes what the values of a group tell: a script that is missing is given to the server by the next call. Where the server has refused
   * it, that error stands in the places of its calls: it says why the script is missing.
   */
  groupAnswered(group: Request, number: number, values: Frame): void {
    if (this.groups?.delete(group) !== true) return;
    const { commands } = group.command as Group;
    const answers: unknown[] = Array.isArray(values) ? values : [];
    const refusals = new Map<string, ErrorFrame>();
    // One for all calls of a script: to make 100 000 would hold the event loop up.
    const reasons = new Map<CommandSpec, ReplyError>();
    commands.forEach((command, index) => {
      const { script } = command.spec;
      if (script === undefined) return;
      const answer = answers[index];
      const isMissing = isLoad(command)
        ? answer === undefined || answer instanceof ReplyError
        : answer instanceof ReplyError && tellsOfLack(answer, command);
      const knowledge = this.known?.get(script.id);
      const refusal = knowledge?.refusal ?? refusals.get(script.id);
      if (refusal !== undefined) {
        refusals.set(script.id, refusal);
        if (isMissing && !isLoad(command)) {
          const reason = reasons.get(command.spec) ?? withoutStacks(() => toReplyError(refusal, command));
          reasons.set(command.spec, reason);
          answers[index] = reason;
        }
      }
      if (knowledge?.kind !== 'there' || knowledge.since > number) return;
      if (isMissing) this.note(script.id, { kind: 'missing', refusal });
      else if (knowledge.refusal !== undefined) this.known!.delete(script.id);
    });
  }

  private note(id: string, knowledge: Knowledge): void {
    const known = this.known ?? (this.knowledge = new Map<string, Knowledge>());
    if (known.size >= MOST && !known.has(id)) known.clear();
    known.set(id, knowledge);
  }
}

const NO_ONE: ReplyObserver<unknown> = {
  closed: true,
  next: () => undefined,
  error: () => undefined,
  complete: () => undefined,
  add: () => undefined,
};

/** A request that gives the server a script. Whether that was refused shows in the replies to the calls of it. */
export function unobserved(command: Command): Request {
  return new Request(command, plainContext, NO_ONE);
}

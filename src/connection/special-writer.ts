import { call } from '../commands/call';
import { endsConnection } from '../commands/closing';
import type { Arg, Command, CommandSpec, ScriptFact } from '../commands/command';
import { Group } from '../commands/group';
import { isLoad, wholeCall } from '../commands/lua-script';
import type { Request } from '../commands/request';
import type { RedisError } from '../errors';
import type { Encoder } from '../resp/encoder';
import { notEncodable } from './failures';
import type { GroupWriter } from './group-writer';
import type { LinkMode } from './link-mode';
import type { Liveness } from './liveness';
import { unobserved, type LoadedScripts } from './loaded-scripts';
import { isAhead } from './places';
import type { Ring } from './ring';
import type { Solitude } from './solitude';
import type { Untold } from './untold';

const ASKING = /* @__PURE__ */ call('ASKING');

/** What is written on one link, and what is known of it. */
export interface Written {
  readonly encoder: Encoder;
  /** the requests whose replies are owed, oldest first */
  readonly owed: Ring<Request>;
  readonly mode: LinkMode;
  readonly scripts: LoadedScripts;
  readonly liveness: Liveness;
  readonly groups: GroupWriter;
  readonly solitude: Solitude;
  readonly untold: Untold;
}

/**
 * Encodes the commands that are not plain: refuses what the link cannot take, has solitary ones wait, loads the scripts that the server
 * may lack, begins groups, and notes what a command makes of the link.
 */
export class SpecialWriter {
  /** The number, among all that were ever owed, of the last request that is to end the connection; -1 for none. */
  lastEnding = -1;

  /**
   * @param onWrite a request that is not plain is written
   * @param isLeftBehind whether a request that is repeated cannot be written any more; if so, it fails
   */
  constructor(
    private readonly link: Written,
    private readonly onWrite: (request: Request) => void,
    private readonly isLeftBehind: (request: Request) => boolean,
  ) {}

  /**
   * Encodes a command that is not plain.
   * @param count how many commands stand before it in the same write
   * @param depth how many may stand in one write
   * @returns how many commands were encoded
   */
  write(request: Request, count: number, depth: number): number {
    const { mode, solitude, untold } = this.link;
    const { command } = request;
    const { spec, args } = command;
    const refusal = mode.refusalOf(command);
    if (refusal !== undefined) {
      untold.fails(request, notEncodable(refusal, request));
      return 0;
    }
    if (spec.solitary && solitude.mustWait(request, count)) return 0;
    if (request.past !== undefined && this.isLeftBehind(request)) return 0;
    if (command instanceof Group) return this.begin(request, command, depth - count);
    if (spec.script !== undefined) return this.writeScript(request, command, spec.script);
    const asking = this.ask(request);
    if (!this.encode(request, spec, args)) return asking;
    this.push(request);
    return 1 + asking;
  }

  /** Has a node that does not own the slot yet take what is encoded next. @returns how many commands were encoded */
  private ask({ past }: Request): number {
    if (past?.asking !== true) return 0;
    past.asking = false;
    return this.load(ASKING);
  }

  private encode(request: Request, spec: CommandSpec, args: readonly Arg[]): boolean {
    try {
      this.link.encoder.add(spec.words, spec.head, args);
      return true;
    } catch (cause) {
      this.link.untold.fails(request, notEncodable(cause, request));
      return false;
    }
  }

  /**
   * Notes what an encoded command makes of the link. Also called for plain commands while the link is in a mode of its own.
   * @returns whether a reply is owed now
   */
  push(request: Request): boolean {
    const { owed, mode, scripts, solitude, untold } = this.link;
    const { spec } = request.command;
    if (!spec.plain) this.onWrite(request);
    if (spec.solitary) solitude.signsIn(request);
    if (spec.script === undefined) scripts.wrote(request, spec);
    if (endsConnection(request.command)) this.lastEnding = owed.passed + owed.length;
    if (!mode.write(request)) {
      untold.completes(request);
      return false;
    }
    this.owe(request);
    return true;
  }

  private owe(request: Request): void {
    const { owed, liveness } = this.link;
    owed.push(request);
    if (request.context.linkLimits !== undefined) liveness.granted(request);
  }

  /**
   * Writes the call of a script as the server of this link can run it. Where it is not known whether that has the script, nothing is
   * written behind the call until it is answered, so that the order of the calls stays when it has to be sent once more.
   * @returns how many commands were encoded
   */
  private writeScript(request: Request, command: Command, script: ScriptFact): number {
    const { scripts, mode, owed, solitude, untold } = this.link;
    try {
      scripts.refuse(command.spec);
    } catch (cause) {
      untold.fails(request, notEncodable(cause, request));
      return 0;
    }
    // Otherwise its reply will not tell whether the server has the script.
    const tells = mode.answersAll && !mode.inTransaction && !isAhead(request);
    const gives = isLoad(command);
    const has = gives || (tells ? scripts.has(script) : false);
    const whole = has === false ? wholeCall(command) : undefined;
    // Also ahead of EVAL: newer servers drop what only that has brought them, for others, although a later SCRIPT LOAD would find it.
    const loads = has === false && tells ? this.load(script.replace) : 0;
    const sent = whole ?? command;
    const ahead = loads + this.ask(request);
    if (!this.encode(request, scripts.formOf(sent.spec, tells), sent.args)) return ahead;
    const number = owed.passed + owed.length;
    if (tells && (gives || has === false)) scripts.gives(script, number - ahead, number);
    if (this.push(request) && has === undefined) solitude.keep(request);
    return ahead + 1;
  }

  /** Gives the server a script ahead of what calls it; its reply is for none of the callers. @returns how many commands were encoded */
  private load(command: Command): number {
    const { encoder, owed } = this.link;
    const { spec, args } = command;
    encoder.add(spec.words, spec.head, args);
    owed.push(unobserved(command));
    return 1;
  }

  /**
   * Begins a group. Scripts that the server may lack are loaded ahead.
   * @returns how many commands were encoded
   */
  private begin(request: Request, group: Group, depth: number): number {
    const { groups, mode, owed, scripts, untold } = this.link;
    let called: ReadonlySet<ScriptFact> | undefined;
    try {
      called = groups.check(request, group);
    } catch (error) {
      untold.fails(request, error as RedisError);
      return 0;
    }
    const brought = called && scripts.loadsFor(request, called, owed.passed + owed.length);
    const loads = brought?.loads ?? [];
    for (const load of loads) this.load(load);
    const ahead = loads.length + this.ask(request);
    mode.writeGroup(group);
    this.owe(request);
    groups.begin(request, brought?.whole);
    return ahead + groups.write(Math.max(1, depth - ahead));
  }
}

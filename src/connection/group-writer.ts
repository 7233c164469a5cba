import type { Command, CommandSpec, ScriptFact } from '../commands/command';
import type { Group } from '../commands/group';
import { wholeCall } from '../commands/lua-script';
import type { Request } from '../commands/request';
import type { RedisError } from '../errors';
import { refuseUnencodable, type Encoder } from '../resp/encoder';
import { notEncodable } from './failures';
import { aloneOnly, standsAlone, type LinkMode } from './link-mode';
import type { LoadedScripts } from './loaded-scripts';

/** A group of which no more is written than so many members. */
export interface Cut {
  readonly request: Request;
  readonly written: number;
  /** why; undefined where its observer has left */
  readonly error?: RedisError;
}

/**
 * Writes a group member by member, over as many writes as it takes. A divisible group is cut short when its observer leaves, its time is
 * up, or the memory of an argument was transferred meanwhile.
 */
//  check ──▶ begin ──▶ write ──▶ write ──▶ … ──▶ written to its end, or cut
export class GroupWriter {
  /** A group that has been written in part, and its member that is next. */
  private group: Request | undefined;
  private member = 0;
  /** The scripts whose next calls in it are whole. */
  private whole: Set<ScriptFact> | undefined;
  /** The same as it was before the current write. */
  private groupBefore: Request | undefined;
  private memberBefore = 0;
  /** Groups whose last members are not written any more. */
  private readonly cut: Cut[] = [];

  constructor(
    private readonly encoder: Encoder,
    private readonly writeBufferSize: number,
    private readonly mode: LinkMode,
    private readonly scripts: LoadedScripts,
    private readonly onCut: (cut: Cut) => void,
  ) {}

  /** A group has been written in part: nothing else is written before the rest of it. */
  get isWriting(): boolean {
    return this.group !== undefined;
  }

  /** How much of the group is written. */
  get share(): number {
    return this.group === undefined ? 1 : this.member / (this.group.command as Group).members.length;
  }

  /** How many members of a group on this link have been written; all of them unless it is the one that is being written. */
  membersWritten(request: Request, { members }: Group): number {
    return request === this.group ? this.member : members.length;
  }

  /**
   * Checks all members before the first byte is written.
   * @returns the scripts that they call
   * @throws RedisError when one of them cannot be sent, or not in a group
   */
  check(request: Request, { members }: Group): ReadonlySet<ScriptFact> | undefined {
    let scripts: Set<ScriptFact> | undefined;
    let member: number | undefined;
    try {
      if (!this.mode.answersAll) throw new TypeError('the server was told not to answer');
      for (member = 0; member < members.length; member++) {
        const { spec, written } = members[member]!;
        if (standsAlone(spec)) throw aloneOnly(spec);
        if (typeof written !== 'string') refuseUnencodable(written);
        if (spec.script === undefined) continue;
        this.scripts.refuse(spec);
        (scripts ??= new Set()).add(spec.script);
      }
    } catch (cause) {
      throw notEncodable(cause, request, member);
    }
    return scripts;
  }

  /**
   * The group is written next, from its first member on.
   * @param whole the scripts whose first calls are to be whole
   */
  begin(request: Request, whole: Set<ScriptFact> | undefined): void {
    this.group = request;
    this.member = 0;
    this.whole = whole;
  }

  /** A write begins. */
  beginWrite(): void {
    this.groupBefore = this.group;
    this.memberBefore = this.member;
  }

  /** The socket has refused the write. */
  refused(): void {
    this.group = this.groupBefore;
    this.member = this.memberBefore;
  }

  /**
   * Encodes further members, as many as one write may hold. The first stands in the same write as what was loaded ahead of it, however long
   * that is: a group that owes a reply cannot be cut to nothing.
   * @param depth the most of them, at least 1
   * @returns how many were encoded
   */
  write(depth: number): number {
    const { encoder } = this;
    const request = this.group!;
    const group = request.command as Group;
    const { members, isDivisible } = group;
    if (isDivisible && request.abandoned) {
      this.end({ request, written: this.member });
      return 0;
    }
    const first = this.member;
    const end = Math.min(members.length, first + depth);
    try {
      while (this.member < end && (this.member === 0 || encoder.pending < this.writeBufferSize)) {
        const command = group.sent(members[this.member]!);
        const { spec, written } = command.spec.plain ? command : this.formOf(command);
        encoder.add(spec.words, spec.head, written);
        this.member++;
      }
    } catch (cause) {
      // The member could be encoded when the group began: the memory of its bytes has been transferred since.
      this.end({ request, written: this.member, error: notEncodable(cause, request, this.member) });
    }
    const count = this.member - first;
    if (this.member === members.length) this.group = undefined;
    return count;
  }

  /** A member as the server of this link can run it. */
  private formOf(command: Command): { readonly spec: CommandSpec; readonly written: Command['written'] } {
    const { script } = command.spec;
    if (script === undefined) {
      this.scripts.wrote(this.group!, command.spec);
      return command;
    }
    const { spec, written } = (this.whole?.delete(script) && wholeCall(command)) || command;
    return { spec: this.scripts.formOf(spec, false), written };
  }

  private end(cut: Cut): void {
    this.cut.push(cut);
    this.group = undefined;
  }

  /** The write is over, or refused. Tells of the groups that were cut since the last time. */
  tellCut(): void {
    this.groupBefore = undefined;
    if (this.cut.length > 0) for (const cut of this.cut.splice(0)) this.onCut(cut);
  }
}

import { calls, type CallName } from './calls';
import type { Answer } from './peer';
import type { Sent } from './sent';

/** A request that the client has written to a connection. */
export interface WireRequest {
  readonly words: readonly string[];
  /** the command of the workload that it is; none for what the client sends of its own */
  readonly id: number | undefined;
  sent: Sent | undefined;
  readonly writes: boolean;
  readonly writtenAt: number;
  /** the group that it is a part of, and which of its members: MULTI is none, and EXEC stands behind the last */
  group?: GroupWire | undefined;
  readonly member?: number | undefined;
  /** which database it came to */
  database: number | undefined;
  /** it did what it does; it does not when it is refused */
  ran: boolean;
  /** what the server answered */
  answer: Answer | undefined;
  /** what it is answered inside the reply to EXEC */
  result: Answer | undefined;
  /** all of the answer has reached the client … */
  answered: boolean;
  answeredAt: number;
  /** the answer has come to the client's machine, and the client has not read it yet */
  atHand: () => boolean;
  /** … before the command had settled … */
  inTime: boolean;
  /** … which is reading it just now … */
  isRead: boolean;
  /** … or left the connection while it read what came with it */
  doubtful: boolean;
  /** nothing before it was owed when its connection ended */
  wasOldest: boolean;
  /** the number of the loss at which it was, where that is certain */
  oldestAtLoss: number | undefined;
  /** … and nothing else was in flight then */
  aloneAtLoss: boolean;
  /** the client left its link because that led to the wrong server, and not for what came or did not come */
  leftOnPurpose: boolean;
  /** in place of its answer came what is not RESP */
  poisoned: boolean;
  /** in place of its answer came that of another */
  misled: boolean;
}

/** What is written anew. Each field has its own line here, for a spread costs a run a twelfth of its time. */
export function wireOf({
  words,
  id,
  sent,
  writes,
  writtenAt,
  group,
  member,
}: Pick<WireRequest, 'words' | 'id' | 'sent' | 'writes' | 'writtenAt' | 'group' | 'member'>): WireRequest {
  return {
    words,
    id,
    sent,
    writes,
    writtenAt,
    group,
    member,
    database: undefined,
    ran: false,
    answer: undefined,
    result: undefined,
    answered: false,
    answeredAt: Infinity,
    atHand: () => false,
    inTime: false,
    isRead: false,
    doubtful: false,
    wasOldest: false,
    oldestAtLoss: undefined,
    aloneAtLoss: false,
    leftOnPurpose: false,
    poisoned: false,
    misled: false,
  };
}

/** A group of commands as it was written to one connection, if not all of it: its members stand among the requests of the link. */
export class GroupWire implements WireRequest {
  readonly words = ['a group'];
  readonly writes = false;
  readonly database = undefined;
  readonly result = undefined;
  /** Those that were written, in order. */
  readonly members: WireRequest[] = [];
  /** The EXEC of a transaction, once that is written. */
  run: WireRequest | undefined;
  wasOldest = false;
  oldestAtLoss: number | undefined;
  aloneAtLoss = false;
  leftOnPurpose = false;
  poisoned = false;

  constructor(
    readonly sent: Sent,
    readonly writtenAt: number,
    private readonly calls: readonly CallName[],
    /** the MULTI of a transaction */
    readonly begin?: WireRequest,
  ) {}

  get id(): number {
    return this.sent.id;
  }

  get size(): number {
    return this.calls.length;
  }

  callOf(member: number): (typeof calls)[CallName] {
    return calls[this.calls[member]!];
  }

  get isTransaction(): boolean {
    return this.begin !== undefined;
  }

  /** All that was written of it, in order. */
  private get parts(): WireRequest[] {
    const { begin, members, run } = this;
    return [...(begin === undefined ? [] : [begin]), ...members, ...(run === undefined ? [] : [run])];
  }

  /** It is written to its end. */
  get isWhole(): boolean {
    return this.members.length === this.size && this.isTransaction === (this.run !== undefined);
  }

  /** Of a transaction nothing runs before EXEC is written. */
  get mayHaveRun(): boolean {
    return !this.isTransaction || this.isWhole;
  }

  get answered(): boolean {
    return this.isWhole && this.parts.every(({ answered }) => answered);
  }

  get answeredAt(): number {
    return this.answered ? this.parts.at(-1)!.answeredAt : Infinity;
  }

  get answer(): Answer | undefined {
    if (!this.answered) return undefined;
    const begun = errorOf(this.begin?.answer);
    if (begun !== undefined)
      return { error: `${begun}; so it was no transaction: each command was run or refused by itself` };
    const refused = errorOf(this.run?.answer);
    if (refused === undefined) return { value: 'as many as there are members' };
    const causes = this.causes.map(({ index, name, error }) => `command ${index + 1}, ${name}: ${error}`);
    return { error: [refused, ...causes].join('; ') };
  }

  /** The members that were refused before EXEC. */
  get causes(): { readonly index: number; readonly name: string; readonly error: string }[] {
    return this.members.flatMap(({ answer }, index) => {
      const error = errorOf(answer);
      return error === undefined ? [] : [{ index, name: this.callOf(index).name, error }];
    });
  }

  /** What a member is answered in the end. */
  resultOf(member: number): Answer | undefined {
    const { result, answer } = this.members[member]!;
    return this.isTransaction ? result : answer;
  }

  get ran(): boolean {
    if (this.isTransaction) return this.run?.ran === true;
    return this.answered || this.members.some(({ ran }) => ran);
  }

  get inTime(): boolean {
    return this.answered && this.parts.at(-1)!.inTime;
  }

  get isRead(): boolean {
    return this.parts.some(({ isRead }) => isRead);
  }

  get misled(): boolean {
    return this.parts.some(({ misled }) => misled);
  }

  get doubtful(): boolean {
    return this.parts.some(({ doubtful }) => doubtful);
  }

  atHand = (): boolean => this.isWhole && !this.answered && this.parts.every((part) => part.answered || part.atHand());
}

function errorOf(answer: Answer | undefined): string | undefined {
  return answer !== undefined && 'error' in answer ? answer.error : undefined;
}

/** It is MULTI or EXEC, and no command of its user's. */
export function framesTransaction({ group, member }: WireRequest): boolean {
  return group !== undefined && (member === undefined || member === group.size);
}

/** A request that the server has answered with an error, and has not run. */
export interface RefusedRequest extends WireRequest {
  answer: Extract<Answer, { readonly error: string }>;
}

export function isRefused(wire: WireRequest): wire is RefusedRequest {
  return wire.answered && wire.answer !== undefined && 'error' in wire.answer;
}

/** It calls a script. */
export function isCall({ words }: WireRequest): boolean {
  return words[0] === 'EVALSHA' || words[0] === 'EVAL';
}

/** What a server answers that does not have the script. */
export const NOSCRIPT = 'NOSCRIPT No matching script. Please use EVAL.';

/** It did not run, because the server did not have its script. */
export function lacksScript(wire: WireRequest): boolean {
  return isRefused(wire) && wire.answer.error === NOSCRIPT;
}

/** The command waited for the answer when it came. */
export function isTaken({ inTime, sent }: WireRequest): boolean {
  return inTime && sent?.outcome?.kind !== 'left';
}

/** The server may wait before it answers. */
export function isBlocking({ words }: WireRequest): boolean {
  return takes(words) || words.includes('BLOCK');
}

/** It waits for an element of a list. */
export function takes([name]: readonly string[]): boolean {
  return name === 'BLPOP' || name === 'BLMOVE';
}

/** How long the server may wait before it answers what may wait, ms; Infinity: for ever. */
export function waitOf({ words }: WireRequest): number {
  const block = words.indexOf('BLOCK');
  return (block === -1 ? Number(words.at(-1)) * 1000 : Number(words[block + 1])) || Infinity;
}

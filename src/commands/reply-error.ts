import {
  AuthenticationError,
  ProtocolError,
  ReplyError,
  type CommandError,
  type Delivery,
  type GroupFate,
} from '../errors';
import { ErrorFrame, Unreadable, type Frame } from '../resp/frames';
import type { Command, CommandSpec } from './command';
import { runsScripts } from './runs-scripts';
import { textOf } from './text-of';
import { withoutRepeated, withoutSecrets } from './secrets';
import { isBytes } from '../resp/is-bytes';

/** What a server answers to a command that it has not run, and may run later. */
const NOT_RUN = new Set(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN']);
const MAY_PASS = new Set([...NOT_RUN, 'ASK']);
const REFUSED_CREDENTIALS = new Set(['WRONGPASS', 'NOAUTH']);
/** A refused password in the words of a server before 6.0, or of one without a password. */
const REFUSED_PASSWORD = /^ERR (invalid password|AUTH |Client sent AUTH)/;

/** Full texts of the servers' own refusals for the moment. The first word alone could as well be that of a script's error. */
const IN_SERVERS_WORDS = new RegExp(
  '^(LOADING \\w+ is loading the dataset in memory|BUSY \\w+ is busy running .*|TRYAGAIN Multiple keys .*|' +
    "CLUSTERDOWN (Hash slot not served|The cluster is down).*|MASTERDOWN Link with MASTER is down .*|READONLY You can't write .*)$",
);
/** What servers answer where a script is called that they do not have. */
const NO_SCRIPT = /^NOSCRIPT No matching script\.( Please use EVAL\.)?$/;
/** The same of a function, which servers do not name. */
const NO_FUNCTION = 'ERR Function not found';
const RAISED_IN_SCRIPT = / script: /;
/** Why a server knows no functions. */
export const FUNCTIONS_SINCE = 'functions came with Redis 7.0';

/** The words of a server that has become a replica. They may stand inside the error of a script, or as the reason why EXEC did nothing. */
const OF_REPLICAS = ["READONLY You can't write against a read only ", ' cannot be used with replica instances'];
const UNBLOCKED = 'UNBLOCKED force unblock from blocking operation, instance state changed';
/** Words of a server inside errors that begin with another word: those of scripts on Redis 6.0, and those that a script raises again. */
const INSIDE_SCRIPTS = ["READONLY You can't write against ", 'MASTERDOWN Link with MASTER is down '];

/** Whether an error tells that the server has become a replica: the connection leads to the wrong one. */
export function tellsOfFailover({ kind, message }: ReplyError): boolean {
  return kind === 'READONLY' || message.startsWith(UNBLOCKED) || OF_REPLICAS.some((words) => message.includes(words));
}

/** Whether a command that waited at a server that has become a replica goes on at another. */
export function mayGoOn({ message }: ReplyError, command: Command): boolean {
  return message.startsWith(UNBLOCKED) && !asksOfItsConnection(command);
}

/** WAIT and WAITAOF ask about the writes of their own connection: on another they would say of lost writes that all is well. */
export function asksOfItsConnection({ spec }: Command): boolean {
  return spec.blocking !== undefined && spec.access === 'none';
}

/** So many commands that were refused are named in the text of an error; it has all of them as `causes`. */
const NAMED = 10;

/** The answer to a transaction that was refused, with the reasons. */
export class Refusal extends ErrorFrame {
  /**
   * @param text what the server said in the end
   * @param causes the commands that it refused before that
   * @param fate what became of the commands, where they were run all the same
   */
  constructor(
    text: string,
    readonly causes: readonly CommandError[],
    readonly fate?: GroupFate,
  ) {
    const named = causes
      .slice(0, NAMED)
      .map(({ index, command, error }) => `command ${index + 1}, ${command}: ${error.message}`);
    const more = causes.length - named.length;
    super([text, ...named, ...(more > 0 ? [`and ${more} more`] : [])].join('; '));
  }
}

/** A transaction that was refused when EXEC came says why behind these words. */
const REASON = / because of: ([A-Z]+) /;

/** The server's word for why a command was refused: of a transaction the first that it gave. */
export function reasonOf({ kind, message, causes }: ReplyError): string {
  return causes?.[0]?.error.kind ?? (kind === 'EXECABORT' ? REASON.exec(message)?.[1] : undefined) ?? kind;
}

/** Whether a refusal is one for the moment. */
function mayPass(frame: ErrorFrame): boolean {
  if (!(frame instanceof Refusal)) return NOT_RUN.has(frame.kind);
  const { causes, text } = frame;
  // Where some keys have moved, single commands of a transaction are asked for elsewhere.
  if (causes.length > 0)
    return NOT_RUN.has(causes[0]!.error.kind) && causes.every(({ error }) => MAY_PASS.has(error.kind));
  return NOT_RUN.has(REASON.exec(text)?.[1] ?? frame.kind);
}

/**
 * The error for an error reply. Its message holds no secret argument, and is cut off when the server says too much.
 * @param mayHaveRun the command was sent before, and its fate then is not known
 * @param harmless that does not matter: running twice is the same as once
 */
export function toReplyError(frame: ErrorFrame, command: Command, mayHaveRun = false, harmless = false): ReplyError {
  const { text } = frame;
  const kind = wordOf(frame);
  const { name } = command.spec;
  const ErrorClass = REFUSED_CREDENTIALS.has(kind) || REFUSED_PASSWORD.test(text) ? AuthenticationError : ReplyError;
  const repeatable = mayPass(frame) && (harmless || !mayHaveRun) && hasNotRun(frame, command);
  const delivery = mayHaveRun ? 'unknown' : 'answered';
  const message = toldOfFunctions(text, command) ?? withoutSecrets(withoutRepeated(text), command);
  if (!(frame instanceof Refusal)) return new ErrorClass(message, kind, { delivery, command: name, repeatable });
  const { causes, fate } = frame;
  return new ErrorClass(message, kind, {
    delivery,
    command: name,
    repeatable,
    group: fate,
    causes: causes.length > 0 ? causes : undefined,
  });
}

/** The error for an error that stands inside a reply, as those of EXEC and scripts do: which command it belongs to is not known. */
export function toNestedError({ text, kind }: ErrorFrame): ReplyError {
  return new ReplyError(withoutRepeated(text), kind);
}

/** A reply as it came, with a ReplyError in the place of every error inside its arrays and maps. Changes the reply itself. */
export function withReplyErrors(frame: Frame): unknown {
  if (frame instanceof ErrorFrame) return toNestedError(frame);
  if (Array.isArray(frame)) {
    const items: unknown[] = frame;
    for (let i = 0; i < frame.length; i++) if (isNested(frame[i])) items[i] = withReplyErrors(frame[i]!);
  } else if (frame instanceof Map) {
    const entries: Map<unknown, unknown> = frame;
    for (const [name, value] of frame) if (isNested(value)) entries.set(name, withReplyErrors(value));
  }
  return frame;
}

/** The errors that stand inside a reply; it is no error itself. */
export function errorsIn(frame: Frame): ErrorFrame[] {
  const errors: ErrorFrame[] = [];
  collectErrors(frame, errors);
  return errors;
}

function collectErrors(frame: Frame, errors: ErrorFrame[]): void {
  if (!isNested(frame)) return;
  if (frame instanceof ErrorFrame) errors.push(frame);
  else if (Array.isArray(frame)) for (const item of frame) collectErrors(item, errors);
  else if (frame instanceof Map) for (const value of frame.values()) collectErrors(value, errors);
}

function isNested(frame: Frame | undefined): boolean {
  return typeof frame === 'object' && frame !== null && !isBytes(frame);
}

/** Whether a script or function did not run because the server does not have it. */
export function lacksScript(text: string, spec: CommandSpec): boolean {
  if (!runsScripts(spec)) return false;
  return spec.name.startsWith('FCALL') ? text === NO_FUNCTION : NO_SCRIPT.test(text);
}

/** Whether the error of a call tells that the server does not have what is called. */
export function tellsOfLack({ message }: ReplyError, command: Command): boolean {
  return lacksScript(message, command.spec) || message === noFunction(command);
}

/** What is said of functions beyond a server's own words; undefined where it is about something else. */
function toldOfFunctions(text: string, command: Command): string | undefined {
  if (text === NO_FUNCTION) return noFunction(command);
  const isUnknown = text.startsWith('ERR unknown command') && /^(FCALL|FUNCTION)/.test(command.spec.name);
  return isUnknown ? `ERR unknown command; ${FUNCTIONS_SINCE}` : undefined;
}

/** Names the function, and the library where that is known. */
function noFunction({ spec, args }: Command): string {
  if (!spec.name.startsWith('FCALL')) return NO_FUNCTION;
  const of = spec.script === undefined ? '' : ` of ${spec.script.id}`;
  return `${NO_FUNCTION}: '${textOf(args[0])}'${of}`;
}

/** Whether a refusal tells that nothing was done. Scripts and modules choose the first word of an error as they like, when all is done. */
export function hasNotRun(frame: ErrorFrame, command: Command): boolean {
  if (frame instanceof Unreadable) return false;
  // Without MULTI each command ran by itself.
  if (frame instanceof Refusal && frame.fate !== undefined) return false;
  const { text } = frame;
  const { spec } = command;
  const isScript = runsScripts(spec);
  if (spec.foreign !== true && !isScript) return true;
  if (lacksScript(text, spec)) return true;
  if (!IN_SERVERS_WORDS.test(text) || RAISED_IN_SCRIPT.test(text)) return false;
  return !isScript || !text.startsWith('READONLY') || declaresWrites(command);
}

/** Whether a script declares its writes: then a replica refuses it as a whole. Of others it refuses each write, and earlier steps are done. */
function declaresWrites({ spec, args }: Command): boolean {
  return spec.name.startsWith('FCALL') || (spec.script?.text ?? textOf(args[0])).startsWith('#!');
}

/** The server's word for an error, also where it stands inside the error of a script. */
function wordOf({ kind, text }: ErrorFrame): string {
  if (kind !== 'ERR' && !kind.startsWith('@user_script:')) return kind;
  const inside = INSIDE_SCRIPTS.find((words) => text.includes(words));
  return inside?.split(' ', 1)[0] ?? kind;
}

/**
 * The error for a reply that has come and cannot be read.
 * @param group how far the members had come, where it is that of a group
 */
export function toUnreadable(
  cause: unknown,
  { spec: { name } }: Command,
  delivery: Delivery,
  { why = 'cannot be read', group }: { readonly why?: string; readonly group?: GroupFate | undefined } = {},
): ProtocolError {
  const message = cause instanceof Error ? cause.message : String(cause);
  const facts = { delivery, command: name, repeatable: false, cause, group };
  return new ProtocolError(`The reply to ${name} ${why}: ${message}`, facts);
}

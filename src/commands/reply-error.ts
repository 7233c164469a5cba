import { AuthenticationError, ProtocolError, ReplyError, type Delivery, type GroupFate } from '../errors';
import { ErrorFrame, type Frame } from '../resp/frames';
import type { Command } from './command';
import { withoutRepeated, withoutSecrets } from './secrets';

/** What a server answers to a command that it has not run, and may run later. */
const NOT_RUN = new Set(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN']);
const REFUSED_CREDENTIALS = new Set(['WRONGPASS', 'NOAUTH']);
/** From a server before 6.0, or one that has no password. */
const REFUSED_PASSWORD = /^ERR (invalid password|AUTH |Client sent AUTH)/;

/** The whole of what servers say when they refuse to run a command for the moment, and nothing that a script could have raised. */
const IN_SERVERS_WORDS = new RegExp(
  '^(LOADING \\w+ is loading the dataset in memory|BUSY \\w+ is busy running .*|TRYAGAIN Multiple keys .*|' +
    "CLUSTERDOWN (Hash slot not served|The cluster is down).*|MASTERDOWN Link with MASTER is down .*|READONLY You can't write .*)$",
);
const RAISED_IN_SCRIPT = / script: /;
const RUNS_SCRIPTS = /^(EVAL|FCALL)/;

/**
 * The error for an error reply. Its message holds no secret argument, and is cut off when the server says too much.
 * @param mayHaveRun the command was sent before, and its fate then is not known
 * @param harmless that does not matter: running twice is the same as once
 */
export function toReplyError(frame: ErrorFrame, command: Command, mayHaveRun = false, harmless = false): ReplyError {
  const { kind, text } = frame;
  const { name } = command.spec;
  const ErrorClass = REFUSED_CREDENTIALS.has(kind) || REFUSED_PASSWORD.test(text) ? AuthenticationError : ReplyError;
  const repeatable = NOT_RUN.has(kind) && (harmless || !mayHaveRun) && hasNotRun(frame, command);
  const delivery = mayHaveRun ? 'unknown' : 'answered';
  const message = withoutSecrets(withoutRepeated(text), command);
  return new ErrorClass(message, kind, { delivery, command: name, repeatable });
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

function isNested(frame: Frame | undefined): boolean {
  return typeof frame === 'object' && frame !== null && !(frame instanceof Uint8Array);
}

/** Whether a refusal tells that nothing was done. Scripts and modules choose the first word of an error as they like, when all is done. */
export function hasNotRun({ text }: ErrorFrame, { spec }: Command): boolean {
  if (!spec.foreign && !RUNS_SCRIPTS.test(spec.name)) return true;
  return IN_SERVERS_WORDS.test(text) && !RAISED_IN_SCRIPT.test(text);
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

import { AuthenticationError, ReplyError } from '../errors';
import type { ErrorFrame } from '../resp/frames';
import type { Command } from './command';
import { withoutSecrets } from './secrets';

/** What a server answers to a command that it has not run, and may run later. */
const NOT_RUN = new Set(['LOADING', 'BUSY', 'TRYAGAIN', 'CLUSTERDOWN', 'MASTERDOWN']);
const REFUSED_CREDENTIALS = new Set(['WRONGPASS', 'NOAUTH']);
/** From a server before 6.0, or one that has no password. */
const REFUSED_PASSWORD = /^ERR (invalid password|AUTH |Client sent AUTH)/;

/** Where servers repeat what they were sent: the arguments of commands they do not know, HELLO's among them; passwords of ACL SETUSER. */
const REPEATED = /, with args beginning with: .*|(?<=ACL SETUSER modifier ')[><#!].*(?=':)/s;

/** The whole of what servers say when they refuse to run a command for the moment, and nothing that a script could have raised. */
const IN_SERVERS_WORDS = new RegExp(
  '^(LOADING \\w+ is loading the dataset in memory|BUSY \\w+ is busy running .*|TRYAGAIN Multiple keys .*|' +
    "CLUSTERDOWN (Hash slot not served|The cluster is down).*|MASTERDOWN Link with MASTER is down .*|READONLY You can't write .*)$",
);
const RAISED_IN_SCRIPT = / script: /;
const RUNS_SCRIPTS = /^(EVAL|FCALL)/;

/**
 * The error that a subscriber sees for an error reply. The text holds no argument.
 * @param mayHaveRun it was sent before, and nobody knows what became of that
 * @param harmless that does not matter: running twice is the same as once
 */
export function toReplyError(frame: ErrorFrame, command: Command, mayHaveRun = false, harmless = false): ReplyError {
  const { kind, text } = frame;
  const { name } = command.spec;
  const ErrorClass = REFUSED_CREDENTIALS.has(kind) || REFUSED_PASSWORD.test(text) ? AuthenticationError : ReplyError;
  const repeatable = NOT_RUN.has(kind) && (harmless || !mayHaveRun) && hasNotRun(frame, command);
  const delivery = mayHaveRun ? 'unknown' : 'answered';
  const message = withoutSecrets(text.replace(REPEATED, ''), command);
  return new ErrorClass(message, kind, { delivery, command: name, repeatable });
}

/** Whether a refusal tells that nothing was done. Scripts and modules choose the first word of an error as they like, when all is done. */
export function hasNotRun({ text }: ErrorFrame, { spec }: Command): boolean {
  if (!spec.foreign && !RUNS_SCRIPTS.test(spec.name)) return true;
  return IN_SERVERS_WORDS.test(text) && !RAISED_IN_SCRIPT.test(text);
}

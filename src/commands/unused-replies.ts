import type { Observable } from 'rxjs';
import { callSiteOf, callersFrames } from './call-sites';
import type { ReplySource } from './reply';
import type { Request } from './request';

/** What the warning tells of a reply or chain that was collected. It must not refer to that, which would then never be collected. */
interface Made {
  readonly command: string;
  readonly isChain?: boolean;
  /** file, line and column; undefined where the stack does not say */
  readonly place: string | undefined;
}

let unused: FinalizationRegistry<Made> | undefined;

/**
 * The surface of a single reply that is to be told by a process warning if it is collected and was never used.
 * @param command the name alone: arguments may be secrets
 * @param maker the function that the surface called to make the reply
 * @returns `keepWatch` begins the watch over the reply; the first request that the reply submits ends it
 */
export function watched(
  source: ReplySource,
  command: string,
  maker: (...args: never[]) => unknown,
): { readonly surface: ReplySource; readonly keepWatch: <R extends Observable<unknown>>(reply: R) => R } {
  const registry = (unused ??= new FinalizationRegistry(warn));
  const made: Made = { command, place: placeOfCall(maker) };
  const submit = (request: Request): void => {
    registry.unregister(made);
    source.executor.submit(request);
  };
  return {
    surface: { ...source, executor: { submit } },
    keepWatch: (reply) => {
      registry.register(reply, made, made);
      return reply;
    },
  };
}

/**
 * Begins the watch over a chain, which is told by a process warning if it is collected and was not ended by `exec()`.
 * @param method what has begun it
 * @param maker the function that the surface called to begin it
 * @returns ends the watch
 */
export function watchedChain(chain: object, method: string, maker: (...args: never[]) => unknown): () => void {
  const registry = (unused ??= new FinalizationRegistry(warn));
  const made: Made = { command: method, isChain: true, place: placeOfCall(maker) };
  registry.register(chain, made, made);
  return () => registry.unregister(made);
}

function warn({ command, isChain, place }: Made): void {
  if (isChain) {
    const begun = place === undefined ? '' : `, begun at ${place},`;
    const why = 'was never ended by exec(), so its commands were never sent';
    process.emitWarning(`A chain of ${command}${begun} ${why}`, 'UnusedReplyWarning');
    return;
  }
  const where = place === undefined ? '' : `, made at ${place},`;
  process.emitWarning(
    `A reply to ${command}${where} was neither subscribed to, awaited nor forgotten, so the command was never sent`,
    'UnusedReplyWarning',
  );
}

function placeOfCall(maker: (...args: never[]) => unknown): string | undefined {
  // A line of the stack is text: the structured one would keep the objects of the user's frames alive, the reply with them.
  const [frame] = callersFrames(callSiteOf(maker));
  return frame === undefined ? undefined : (/\((.+:\d+:\d+)\)$/.exec(frame) ?? /at (.+:\d+:\d+)$/.exec(frame))?.[1];
}

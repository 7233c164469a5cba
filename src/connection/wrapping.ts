import type { Executor } from '../commands/request-context';
import type { ResolvedOptions } from '../options';
import { inCallersContext, inCallersContextIf } from './async-context';
import { Verifier } from './verifier';

/** Whether callbacks of replies run in the context of their subscription; a function where that may change. */
export type AsyncContext = boolean | (() => boolean);

/** What executors are wrapped by. */
export interface WrappingOptions extends Pick<ResolvedOptions, 'verify'> {
  readonly asyncContext: AsyncContext;
  /** refuses commands before all else, where that is wanted */
  readonly guard?: Wrap | undefined;
}

/**
 * Wraps the executors of one connection as the options want it: the connection itself, and the executors that send on it in an order of
 * their own. Chosen when the connection is made, so that an option that is off costs nothing.
 */
//  Reply ──▶ caller's context ──▶ followed ──▶ guarded ──▶ verified ──▶ the connection, or what publishes on it
export function wrapping(
  connection: Executor,
  { verify, asyncContext, guard = asItIs }: WrappingOptions,
  follow: Wrap = asItIs,
): Wrap {
  const verifier = verify > 0 ? new Verifier(connection, verify) : undefined;
  return (executor) => {
    const followed = follow(guard(verifier?.around(executor) ?? executor));
    return withContext(asyncContext, followed);
  };
}

/** Wraps an executor that has connections of its own, each of which is wrapped already. */
export function wrappingAll({ asyncContext, guard = asItIs }: Omit<WrappingOptions, 'verify'>, follow: Wrap): Wrap {
  if (follow === asItIs) return guard;
  return (executor) => withContext(asyncContext, follow(guard(executor)));
}

function withContext(asyncContext: AsyncContext, executor: Executor): Executor {
  if (typeof asyncContext === 'function') return inCallersContextIf(asyncContext, executor);
  return asyncContext ? inCallersContext(executor) : executor;
}

/** Chooses what wraps an executor. */
export type Wrap = (executor: Executor) => Executor;

/** Nothing is wrapped around it. */
export const asItIs: Wrap = (executor) => executor;

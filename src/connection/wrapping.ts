import type { Executor } from '../commands/request-context';
import type { ResolvedOptions } from '../options';
import { inCallersContext } from './async-context';
import { Verifier } from './verifier';

/**
 * How the options want the executors of one connection wrapped: the connection itself, and all that send on it for a time or in an
 * order of their own. Chosen when the connection is made, so that what is not wanted costs nothing.
 */
//  Reply ──▶ caller's context ──▶ verified ──▶ the connection, or what publishes on it
export function wrapping(
  connection: Executor,
  { verify, asyncContext }: Pick<ResolvedOptions, 'verify' | 'asyncContext'>,
): (executor: Executor) => Executor {
  const verifier = verify > 0 ? new Verifier(connection, verify) : undefined;
  return (executor) => {
    const verified = verifier?.around(executor) ?? executor;
    return asyncContext ? inCallersContext(verified) : verified;
  };
}

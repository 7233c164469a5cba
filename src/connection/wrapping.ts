import type { Executor } from '../commands/request-context';
import type { ResolvedOptions } from '../options';
import { inCallersContext } from './async-context';
import { Verifier } from './verifier';

/**
 * Wraps the executors of one connection as the options want it: the connection itself, and the executors that send on it in an order of
 * their own. Chosen when the connection is made, so that an option that is off costs nothing.
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

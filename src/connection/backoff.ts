import type { BackoffOptions, Complete } from '../options';

/** The delay before an attempt, ms: exponential up to the ceiling, less a share that chance decides. `attempt` counts from 1. */
export function backoff(
  options: Complete<BackoffOptions>,
  attempt: number,
  random: () => number = Math.random,
): number {
  // Not Infinity: no delay at all stays none.
  const growth = Math.min(options.factor ** (attempt - 1), Number.MAX_VALUE);
  const full = Math.min(options.maxDelay, options.initialDelay * growth);
  return Math.round(full * (1 - options.jitter * random()));
}

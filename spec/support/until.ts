import { setImmediate } from 'node:timers/promises';

/**
 * What has not come about after so many ms never will: far more than the busiest machine needs, and less than Jest's own
 * limit, which could not say what was waited for.
 */
export const PATIENCE = 120_000;

/** Gives way to all else until something of this process has come about: bytes that have passed, a value that was recorded. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`It has not come about: ${condition.toString()}`);
    await setImmediate();
  }
}

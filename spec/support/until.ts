import { setImmediate } from 'node:timers/promises';

/** Gives way to all else until something of this process has come about: bytes that have passed, a value that was recorded. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`It has not come about: ${condition.toString()}`);
    await setImmediate();
  }
}

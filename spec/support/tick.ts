/**
 * The end of a tick, with all that was put off until then. Turns of the tick queue alone are quicker, and leave what goes on for longer to
 * what runs next.
 */
export function endOfTick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

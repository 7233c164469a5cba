/**
 * Makes errors without their stacks, which name frames of the event loop alone and cost ten times the rest of the error.
 * @example withoutStacks(() => toError(request))
 */
export function withoutStacks<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  // Where the built-in objects are frozen they have stacks.
  if (!Reflect.set(Error, 'stackTraceLimit', 0)) return work();
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

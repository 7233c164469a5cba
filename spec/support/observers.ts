import type { ReplyObserver } from '../../src/commands/request';

/** An observer of a reply that stays, and does nothing with what it is told. */
export const unobserved: ReplyObserver<unknown> = {
  closed: false,
  next: () => undefined,
  error: () => undefined,
  complete: () => undefined,
  add: () => undefined,
};

import { UnsubscriptionError, config } from 'rxjs';

/** What user code throws in a run, and whether the process was told of each, as RxJS tells it: later, on a clock of its own. */
export class UserErrors {
  thrown = 0;
  reported = 0;

  throw(): never {
    this.thrown++;
    throw new UserError(this);
  }
}

class UserError extends Error {
  constructor(readonly owner: UserErrors) {
    super('thrown by user code');
  }
}

/** What reached the process and should not have: errors that no run has thrown, and what was told to who had been told before. */
export const strays: string[] = [];

/** Whose telling is watched, and what to say of who is told once more. */
const watched = new WeakMap<object, () => string | undefined>();

/** Watches that a Subscriber is not told anything behind its end: RxJS keeps that from it, and would from the eyes of a spec. */
export function watchEnd(subscriber: object, complaint: () => string | undefined): void {
  watched.set(subscriber, complaint);
}

/** Hears of what nobody handles, as long as simulations run; returns how to stop. */
export function listenForErrors(): () => void {
  const { onUnhandledError, onStoppedNotification } = config;
  const onRejection = (reason: unknown) => strays.push(`nobody handled the rejection ${String(reason)}`);
  // What is thrown in a tick of its own has nobody to catch it.
  const onException = (error: Error) => strays.push(`nobody caught ${error.stack ?? String(error)}`);
  config.onUnhandledError = (error: unknown) => {
    // What teardowns throw comes in one.
    for (const thrown of error instanceof UnsubscriptionError ? (error.errors as unknown[]) : [error]) {
      if (thrown instanceof UserError) {
        if (++thrown.owner.reported > thrown.owner.thrown)
          strays.push('the process was told twice of what user code threw');
      } else strays.push(`nobody handled ${String(thrown)}`);
    }
  };
  config.onStoppedNotification = (_notification, subscriber) => {
    const complaint = watched.get(subscriber)?.();
    if (complaint !== undefined) strays.push(complaint);
  };
  process.on('unhandledRejection', onRejection);
  process.on('uncaughtException', onException);
  return () => {
    config.onUnhandledError = onUnhandledError;
    config.onStoppedNotification = onStoppedNotification;
    process.off('unhandledRejection', onRejection);
    process.off('uncaughtException', onException);
  };
}

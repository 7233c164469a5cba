import { config } from 'rxjs';
import { systemClock } from './clock';

/** Runs user code. What it throws is reported and does not reach the caller. */
export function guarded(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    reportUnhandled(error);
  }
}

/** Reports an error of user code as RxJS reports unhandled errors: in a later tick of the system. */
export function reportUnhandled(error: unknown): void {
  systemClock.nextTick(() => {
    const { onUnhandledError } = config;
    if (onUnhandledError === null) throw error;
    onUnhandledError(error);
  });
}

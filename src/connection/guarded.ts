import { config } from 'rxjs';
import { systemClock } from './clock';

/** Runs user code; what it throws keeps the caller from nothing, and is reported. */
export function guarded(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    reportUnhandled(error);
  }
}

/** An error that user code lets out is the process's, never the connection's: it is reported as RxJS reports it, in a later tick of the system. */
export function reportUnhandled(error: unknown): void {
  systemClock.nextTick(() => {
    const { onUnhandledError } = config;
    if (onUnhandledError === null) throw error;
    onUnhandledError(error);
  });
}

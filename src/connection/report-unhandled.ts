import { config } from 'rxjs';

/** Runs user code; one who throws keeps no other from being told. */
export function safely(tell: () => void): void {
  try {
    tell();
  } catch (error) {
    reportUnhandled(error);
  }
}

/** An error that user code lets out is the process's, reported as RxJS reports it, never the connection's. */
export function reportUnhandled(error: unknown): void {
  setTimeout(() => {
    const { onUnhandledError } = config;
    if (onUnhandledError === null) throw error;
    onUnhandledError(error);
  });
}

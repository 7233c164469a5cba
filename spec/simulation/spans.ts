import type { TelemetrySpan, TelemetryTracer } from '../../src/options';
import type { Journal } from './journal';

/** A tracer that knows which of its spans have not ended. Each ends once, and nothing happens to it after that. */
//  startSpan ──▶ open ──end──▶ ended ──anything──▶ a violation
export class Spans implements TelemetryTracer {
  /** The names of those that have not ended. */
  private readonly open = new Map<TelemetrySpan, string>();

  constructor(private readonly journal: Journal) {}

  startSpan(name: string): TelemetrySpan {
    const { open, journal } = this;
    journal.count('spans');
    const touch = (what: string): void => {
      if (!open.has(span)) journal.fail(`${what} of the span ${name} after its end`);
    };
    const span: TelemetrySpan = {
      isRecording: () => true,
      setAttributes: () => touch('attributes'),
      addEvent: (event) => touch(`an event ${event}`),
      setStatus: () => touch('a status'),
      recordException: () => touch('an exception'),
      end: () => {
        touch('another end');
        open.delete(span);
      },
    };
    open.set(span, name);
    return span;
  }

  /** Told when the client is gone, and everything that was asked of it has ended. */
  check(): void {
    for (const name of this.open.values()) this.journal.fail(`the span ${name} has not ended although all is over`);
  }
}

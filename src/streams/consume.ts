import { Observable } from 'rxjs';
import { inContext } from '../connection/async-context';
import { ProgressStream } from '../demand/progress-stream';
import { abortedBy } from '../demand/stream-options';
import { kindOf } from '../resp/kind-of';
import { consumeSettings, madeUp, type ConsumeProgress } from './consume-options';
import { Consumer, type ConsumeParts } from './consumer';

/**
 * Handles the entries of a stream as a consumer of a group: see `consume` of the client.
 * @throws TypeError that names what is wrong, before anything is sent
 */
export function consume(
  parts: ConsumeParts,
  stream: unknown,
  options: unknown,
  handler: unknown,
): ProgressStream<ConsumeProgress, ConsumeProgress | undefined> {
  const settings = consumeSettings(stream, options);
  if (typeof handler !== 'function') {
    throw new TypeError(`consume: a function that handles an entry was expected, got ${kindOf(handler)}`);
  }
  const progress$ = new Observable<ConsumeProgress>((subscriber) => {
    const { consumer: name = madeUp() } = settings;
    const own = { ...settings, consumer: name, isNameMadeUp: settings.consumer === undefined };
    const consumer = new Consumer(own, handler as (entry: never) => unknown, parts, subscriber);
    consumer.goOn();
    return () => consumer.stop();
  });
  return new ProgressStream(progress$.pipe(parts.ending.ends(), abortedBy(settings.signal), inContext()), merged);
}

/** How many failures wait for a loop at the most: the last ones. `failed` counts all of them. */
const MOST_FAILURES = 1_000;

/** The newer one, with the failures of both. */
function merged(before: ConsumeProgress, next: ConsumeProgress): ConsumeProgress {
  if (before.failures.length === 0) return next;
  return { ...next, failures: [...before.failures, ...next.failures].slice(-MOST_FAILURES) };
}

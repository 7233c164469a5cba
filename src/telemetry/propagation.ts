import { Observable, from, of, type ObservableInput } from 'rxjs';
import { Command } from '../commands/command';
import { isGroup } from '../commands/group';
import type { Entry } from '../commands/replies/types';
import type { Request } from '../commands/request';
import { textOf } from '../commands/text-of';
import { captured } from '../connection/async-context';
import { isFollowed } from '../demand/slots';
import type { TelemetryLink, TelemetrySpan, TelemetrySpanContext } from '../options';
import type { Message } from '../pubsub/topic';
import type { Handling } from '../streams/consume-options';
import { traceStateOf } from './api';
import { within } from './following';

/** The fields of an entry, or the properties of a message in JSON, that carry a trace context in the form of W3C. */
const FIELD = 'traceparent';
const STATE = 'tracestate';

/**
 * The link to what has produced an entry of a stream or a message, for a span that is made where it is handled: none or one. An entry carries
 * a trace context in its fields `traceparent` and `tracestate`; `telemetry: { propagate: true }` writes them. Redis has no place for one beside a message, and the
 * client changes no message: one carries it where its text is an object of JSON that has `traceparent`, as events of CloudEvents do.
 * @example
 * redis.subscribe('orders').subscribe((message) => {
 *   const span = tracer.startSpan('handle', { links: linksOf(message) });
 * });
 */
export function linksOf(
  carrier: Pick<Entry, 'pairs'> | Pick<Entry<Buffer>, 'pairs'> | Pick<Message, 'data'> | Pick<Message<Buffer>, 'data'>,
): TelemetryLink[] {
  const find = 'pairs' in carrier ? among(carrier.pairs) : inJson(textOf(carrier.data));
  const found = find(FIELD);
  const context = found === undefined ? undefined : contextOf(found);
  if (context === undefined) return [];
  const state = find(STATE);
  const traceState = state === undefined ? undefined : traceStateOf(state);
  return [{ context: traceState === undefined ? context : { ...context, traceState } }];
}

/** One link for each entry that a reply to XREAD or XREADGROUP has, and to those among several commands; so many at the most. */
export function linksInReply(commands: readonly Command[], value: unknown, isSeveral: boolean): TelemetryLink[] {
  const links: TelemetryLink[] = [];
  commands.forEach(({ spec: { name } }, index) => {
    if (name !== 'XREAD' && name !== 'XREADGROUP') return;
    const read = isSeveral ? (value as readonly unknown[] | null)?.[index] : value;
    for (const entries of listsIn(read)) {
      for (const entry of entries) {
        if (links.length === MOST_LINKS) return;
        if (entry.pairs !== null) links.push(...linksOf(entry));
      }
    }
  });
  return links;
}

/** SDKs keep no more of a span. */
const MOST_LINKS = 128;

function listsIn(read: unknown): Iterable<readonly Entry[]> {
  if (typeof read !== 'object' || read === null || read instanceof Error) return [];
  return read instanceof Map
    ? (read as Map<unknown, Entry[]>).values()
    : Object.values(read as Record<string, Entry[]>);
}

/** Has each XADD of a request write the context of its span into its entry, unless its caller has written one. */
export function inject(request: Request, span: TelemetrySpan): void {
  const { command } = request;
  if (!(isGroup(command) ? command.commands.some(isXadd) : isXadd(command))) return;
  const context = span.spanContext?.();
  if (context === undefined || !isValid(context)) return;
  const { traceId, spanId, traceFlags, traceState } = context;
  const value = `00-${traceId}-${spanId}-${(traceFlags & 1).toString(16).padStart(2, '0')}`;
  const state = traceState?.serialize() ?? '';
  const fields = state === '' ? [FIELD, value] : [FIELD, value, STATE, state];
  const withContext = (one: Command): Command =>
    isXadd(one) && !carries(one) ? new Command(one.spec, [...one.args, ...fields], one.read, one.keys) : one;
  request.command = isGroup(command) ? command.changed(withContext) : withContext(command);
}

function isXadd({ spec: { name } }: Command): boolean {
  return name === 'XADD';
}

/** One of its fields, which stand in every second place from behind, is a context already. */
function carries({ args }: Command): boolean {
  for (let at = args.length - 2; at > 1; at -= 2) if (textOf(args[at]) === FIELD) return true;
  return false;
}

/** Finds a text by its name. */
type Find = (name: string) => string | undefined;

const findNothing: Find = () => undefined;

function among(pairs: readonly (readonly [string | Buffer, string | Buffer])[]): Find {
  return (name) => {
    const pair = pairs.find(([field]) => textOf(field) === name);
    return pair && textOf(pair[1]);
  };
}

function inJson(text: string): Find {
  // Most messages are looked at no further.
  if (!text.includes(FIELD)) return findNothing;
  try {
    const read = JSON.parse(text) as Record<string, unknown> | null;
    return (name) => {
      const found = read?.[name];
      return typeof found === 'string' ? found : undefined;
    };
  } catch {
    return findNothing;
  }
}

/** `00-<32 digits>-<16 digits>-<2 digits>`; later versions may have more behind. */
function contextOf(traceparent: string): TelemetrySpanContext | undefined {
  const [, version, traceId, spanId, flags, more] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(traceparent) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  const context = { traceId: traceId!, spanId: spanId!, traceFlags: Number.parseInt(flags!, 16) & 1, isRemote: true };
  return isValid(context) ? context : undefined;
}

function isValid({ traceId, spanId }: TelemetrySpanContext): boolean {
  return !/^0*$/.test(traceId) && !/^0*$/.test(spanId);
}

/** The span in which an entry is handled. It ends once. */
export interface HandlingSpan {
  end(): void;
  fail(error: unknown): void;
  left(): void;
}

/** Makes the span in which an entry is handled, and does work in it. */
export type StartHandling = (
  stream: string,
  id: string,
  links: TelemetryLink[],
  work: (span: HandlingSpan) => void,
) => void;

/** Handlers of entries work in a span of their own, which is linked to the producer of the entry. */
export function handlingIn(start: StartHandling): Handling {
  return (stream, entry, work) => {
    const inCallersContext = captured();
    return new Observable<unknown>((subscriber) =>
      inCallersContext(() =>
        within<HandlingSpan>(
          (begun) => start(stream, entry.id, linksOf(entry), begun),
          (span) => {
            const ends = {
              error: (error: unknown) => {
                span?.fail(error);
                subscriber.error(error);
              },
              complete: () => {
                span?.end();
                subscriber.complete();
              },
            };
            subscriber.add(() => span?.left());
            try {
              subscriber.add(followed(work()).subscribe(ends));
            } catch (error) {
              ends.error(error);
            }
          },
        ),
      ),
    );
  };
}

function followed(given: unknown): Observable<unknown> {
  const { then } = (given ?? {}) as { then?: unknown };
  return typeof then === 'function' || isFollowed(given) ? from(given as ObservableInput<unknown>) : of(undefined);
}

import { EMPTY, concat, defer, from, ignoreElements, map, mergeMap, type Observable } from 'rxjs';
import type { Key } from '../commands/arguments';
import type { Arg, Command } from '../commands/command';
import { xack, xadd, xrange } from '../commands/generated/builders';
import type { Entry } from '../commands/replies/types';
import { ReplyError } from '../errors';
import { kindOf } from '../resp/kind-of';
import type { ConsumedEntry, ConsumeSettings, DeadLetterHandler } from './consume-options';

/** What dead letters need. */
export interface DeadLetterParts {
  /** replies as bytes */
  readonly inBytes: <T>(command: Command<T>) => Observable<T>;
  /** sends commands as a transaction; errors stand in their places */
  readonly multi: (commands: readonly Command[]) => Observable<readonly unknown[]>;
  readonly settle: <T>(command: Command<T>) => Observable<T>;
}

/** Completes when an entry is a dead letter, and not pending any more. */
export function bury(
  { inBytes, multi, settle }: DeadLetterParts,
  settings: ConsumeSettings,
  entry: ConsumedEntry<string | Buffer>,
  error: unknown,
): Observable<never> {
  const { stream, group, deadLetter } = settings;
  const acknowledged$ = settle(xack(stream, group, entry.id)).pipe(ignoreElements());
  if (typeof deadLetter === 'function') {
    const handler = deadLetter as DeadLetterHandler<string | Buffer>;
    return concat(
      defer(() => followed(handler(entry, error))),
      acknowledged$,
    );
  }
  // As bytes: it goes there as it came.
  return inBytes(xrange(stream, entry.id, entry.id)).pipe(
    mergeMap(([found]) => {
      if (found === undefined) return acknowledged$;
      const fields = [...(found as unknown as Entry<Buffer>).pairs, ...facts(settings, entry, error)];
      return multi([xadd(deadLetter as Key, '*', fields), xack(stream, group, entry.id)]).pipe(
        map((values) => {
          const refusal = values.find((value) => value instanceof ReplyError);
          if (refusal !== undefined) throw refusal;
        }),
        ignoreElements(),
      );
    }),
  );
}

/** What a dead letter says of itself, behind the fields of the entry. */
function facts(
  { stream, group }: ConsumeSettings,
  { id, deliveries }: ConsumedEntry<string | Buffer>,
  error: unknown,
): [string, Arg][] {
  const known: [string, Arg][] = [
    ['dead-letter:stream', stream],
    ['dead-letter:group', group],
    ['dead-letter:id', id],
    ['dead-letter:deliveries', deliveries],
  ];
  if (error !== undefined) known.push(['dead-letter:error', textOf(error)]);
  return known;
}

function followed(given: unknown): Observable<never> {
  const { subscribe, then } = (given ?? {}) as { readonly subscribe?: unknown; readonly then?: unknown };
  if (typeof subscribe !== 'function' && typeof then !== 'function') return EMPTY;
  return from(given as Observable<unknown>).pipe(ignoreElements());
}

function textOf(error: unknown): string {
  if (error instanceof Error) return error.message;
  return typeof error === 'string' ? error : kindOf(error);
}

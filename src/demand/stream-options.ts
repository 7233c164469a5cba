import {
  defer,
  fromEvent,
  identity,
  mergeMap,
  of,
  takeUntil,
  throwError,
  type MonoTypeOperatorFunction,
  type ObservableInput,
} from 'rxjs';
import { is, wholeNumber } from '../option-checks';
import { kindOf } from '../resp/kind-of';
import type { Work } from './pulling';

/** What every stream takes. */
export interface SignalOption {
  /** ends the stream when it is aborted: the stream errors with the signal's `reason`, as in Node.js, and asks for nothing more */
  readonly signal?: AbortSignal | undefined;
}

/** Work that is done inside the loop of a stream: nothing more is asked for while there is no room for it. */
export interface WorkOptions<T, R> {
  /** what is done with a value, as in `mergeMap`: the stream emits what this gives, which ends with the work */
  readonly project: (value: T, index: number) => ObservableInput<R>;
  /** how many values are worked on at the same time; 1 unless told otherwise, Infinity for any number */
  readonly concurrency?: number | undefined;
}

/** A stream without work inside its loop. */
export interface NoWork {
  readonly project?: undefined;
  readonly concurrency?: undefined;
}

/** The names of these options. */
export const STREAM_OPTIONS: readonly string[] = ['signal', 'project', 'concurrency'];

/**
 * The work that options ask for, undefined where there is none.
 * @throws TypeError that names the option and what was expected
 */
export function workOf<T, R>(
  method: string,
  { project, concurrency }: { readonly project?: unknown; readonly concurrency?: unknown },
): Work<T, R> | undefined {
  if (concurrency !== undefined) wholeNumber('concurrency', concurrency, 1, Infinity);
  if (project === undefined) {
    if (concurrency === undefined) return undefined;
    throw new TypeError(`${method}: the option 'concurrency' needs 'project', whose work it limits`);
  }
  is('function', 'project', project);
  return { method, project: project as Work<T, R>['project'], concurrency: (concurrency as number | undefined) ?? 1 };
}

/** @throws TypeError unless it is an AbortSignal, of whatever realm, or not given */
export function checkedSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined) return undefined;
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>;
  if (typeof aborted !== 'boolean' || typeof addEventListener !== 'function') {
    throw new TypeError(`The option 'signal' is an AbortSignal, got ${kindOf(signal)}`);
  }
  return signal as AbortSignal;
}

/** Errors with the reason of the signal when that is aborted; where it is already, nothing is subscribed to. */
export function abortedBy<T>(signal: AbortSignal | undefined): MonoTypeOperatorFunction<T> {
  if (signal === undefined) return identity;
  const aborted$ = defer(() => (signal.aborted ? of(undefined) : fromEvent(signal, 'abort'))).pipe(
    mergeMap(() => throwError((): unknown => signal.reason)),
  );
  return takeUntil(aborted$);
}

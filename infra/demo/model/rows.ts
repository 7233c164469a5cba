import {
  connect,
  distinctUntilKeyChanged,
  groupBy,
  map,
  mergeMap,
  pipe,
  scan,
  skipWhile,
  startWith,
  zip,
  type OperatorFunction,
} from 'rxjs';
import type { Sample } from '../vitals/samples';
import { signs, type SignName } from '../vitals/signs';
import { alarm } from './alarm';
import type { Table } from './dashboard';
import { movingAverage, recent } from './recent';

/** What is known of one sign. */
export interface Row {
  readonly sign: SignName;
  readonly value: number;
  /** of the last two seconds */
  readonly average: number;
  /** the last values, the newest last */
  readonly recent: readonly number[];
  /** the value is out of its usual range */
  readonly alarmed: boolean;
}

/** Values that make an average. */
const AVERAGED = 10;
/** Values that are shown. */
export const SHOWN = 28;

/** Values that are judged together: one alone alarms nobody unless it is enormous. */
const JUDGED = 3;
const USUAL = { memory: 40, experience: 8 };
const THRESHOLDS = { raise: 5, clear: 3 };

/** Each sample becomes its sign's row. */
export function toRows(): OperatorFunction<Sample, Row> {
  return pipe(
    groupBy(({ sign }) => sign),
    mergeMap((samples$) =>
      samples$.pipe(
        map(({ value }) => value),
        watch(samples$.key),
      ),
    ),
  );
}

function watch(sign: SignName): OperatorFunction<number, Row> {
  const range = { ...USUAL, tolerance: signs[sign].tolerance };
  return connect((values$) =>
    zip(
      values$,
      values$.pipe(movingAverage(AVERAGED)),
      values$.pipe(recent(SHOWN)),
      values$.pipe(movingAverage(JUDGED), alarm(range, THRESHOLDS)),
    ).pipe(map(([value, average, recent, alarmed]) => ({ sign, value, average, recent, alarmed }))),
  );
}

/** The latest row of each sign, from the beginning. */
export function toTable(): OperatorFunction<Row, Table> {
  return pipe(
    scan<Row, Table>((table, row) => ({ ...table, [row.sign]: row }), {}),
    startWith({}),
  );
}

/** The rows with which an alarm begins or ends, sign by sign. */
export function alarmChanges(): OperatorFunction<Row, Row> {
  return pipe(
    groupBy(({ sign }) => sign),
    mergeMap((rows$) =>
      rows$.pipe(
        skipWhile(({ alarmed }) => !alarmed),
        distinctUntilKeyChanged('alarmed'),
      ),
    ),
  );
}

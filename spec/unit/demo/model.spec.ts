import { map } from 'rxjs';
import type { ConnectionState } from 'rxjs-redis';
import { ConnectionError } from 'rxjs-redis';
import { alarm, hysteresis, surprise } from '../../../infra/demo/model/alarm';
import { noteAlarms, noteMessagesAround, noteOutages } from '../../../infra/demo/model/journal';
import { outages, type OutageEvent } from '../../../infra/demo/model/outages';
import { movingAverage, recent } from '../../../infra/demo/model/recent';
import { alarmChanges, toRows, toTable, type Row } from '../../../infra/demo/model/rows';
import { tally, published } from '../../../infra/demo/model/tally';
import type { Sample } from '../../../infra/demo/vitals/samples';
import type { SignName } from '../../../infra/demo/vitals/signs';
import { marbles } from './marbles';

describe('recent', () => {
  it(
    'holds the last values, the newest last, fewer in the beginning',
    marbles(({ cold, expectObservable }) => {
      const values$ = cold('  a-b-c-d|').pipe(
        recent(2),
        map((values) => values.join('')),
      );
      expectObservable(values$).toBe('w-x-y-z|', { w: 'a', x: 'ab', y: 'bc', z: 'cd' });
    }),
  );
});

describe('movingAverage', () => {
  it(
    'is the mean of the last values',
    marbles(({ cold, expectObservable }) => {
      const values = { a: 1, b: 3, c: 8, d: 1 };
      const averages = { a: 1, b: 2, c: 4, d: 4 };
      expectObservable(cold('a-b-c-(d|)', values).pipe(movingAverage(3))).toBe('a-b-c-(d|)', averages);
    }),
  );

  it(
    'forgets what is too long ago',
    marbles(({ cold, expectObservable }) => {
      const averages = { a: 100, b: 50, c: 0 };
      expectObservable(cold('abc', { a: 100, b: 0, c: 0 }).pipe(movingAverage(2))).toBe('abc', averages);
    }),
  );
});

describe('hysteresis', () => {
  const distances = { 0: 0, 1: 1, 3: 3, 5: 5, n: -5 };
  const states = { t: true, f: false };

  it(
    'raises an alarm beyond one threshold and ends it within another',
    marbles(({ cold, expectObservable }) => {
      const source = '  0-3-5-3-5-3-1-3-|';
      const expected = 'f-f-t-t-t-t-f-f-|';
      expectObservable(cold(source, distances).pipe(hysteresis({ raise: 4, clear: 2 }))).toBe(expected, states);
    }),
  );

  it(
    'raises it in either direction and keeps it when the value jumps to the other side',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('0n51', distances).pipe(hysteresis({ raise: 4, clear: 2 }))).toBe('fttf', states);
    }),
  );
});

describe('surprise', () => {
  const range = { memory: 5, experience: 3, tolerance: 1 };

  it(
    'is nothing while too little is known',
    marbles(({ cold, expectObservable }) => {
      const values = { a: 10, b: 90, c: 50, d: 50 };
      expectObservable(cold('abcd', values).pipe(surprise(range))).toBe('0000', { 0: 0 });
    }),
  );

  it(
    'counts the usual deviations between a value and the middle of those before',
    marbles(({ cold, expectObservable }) => {
      const values = { a: 10, b: 12, c: 14, d: 20, e: 4 };
      // 10, 12, 14 deviate from 12 by 2; 10, 12, 14, 20 from 13 by 2.
      expectObservable(cold('abcde', values).pipe(surprise(range))).toBe('000de', { 0: 0, d: 4, e: -4.5 });
    }),
  );

  it(
    'takes no deviation for smaller than the tolerance',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('aaab', { a: 10, b: 10.5 }).pipe(surprise(range))).toBe('000b', { 0: 0, b: 0.5 });
    }),
  );
});

describe('alarm', () => {
  const values = { a: 10, x: 99 };
  const states = { t: true, f: false };
  const calmly = alarm({ memory: 5, experience: 3, tolerance: 1 }, { raise: 4, clear: 2 });

  it(
    'is not blinded by a peak: the next one counts as well',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('aaaxaxa', values).pipe(calmly)).toBe('ffftftf', states);
    }),
  );

  it(
    'ends when the new value has become usual',
    marbles(({ cold, expectObservable }) => {
      expectObservable(cold('aaaaaxxxxx', values).pipe(calmly)).toBe('ffffftttff', states);
    }),
  );
});

describe('toRows', () => {
  it(
    'keeps the signs apart, each with its average and its last values',
    marbles(({ cold, expectObservable }) => {
      const samples = { a: sample('load', 1), b: sample('memory', 500), c: sample('load', 3) };
      expectObservable(cold('a-b-c|', samples).pipe(toRows())).toBe('a-b-c|', {
        a: { sign: 'load', value: 1, average: 1, recent: [1], alarmed: false },
        b: { sign: 'memory', value: 500, average: 500, recent: [500], alarmed: false },
        c: { sign: 'load', value: 3, average: 2, recent: [1, 3], alarmed: false },
      });
    }),
  );

  it(
    'become a table of the latest, empty first',
    marbles(({ cold, expectObservable }) => {
      const [a, b, c] = [row('load', 1), row('memory', 500), row('load', 3)];
      expectObservable(cold('-a-b-c', { a, b, c }).pipe(toTable())).toBe('ea-b-c', {
        e: {},
        a: { load: a },
        b: { load: a, memory: b },
        c: { load: c, memory: b },
      });
    }),
  );
});

describe('alarmChanges', () => {
  it(
    'are the rows with which the alarm of a sign begins or ends',
    marbles(({ cold, expectObservable }) => {
      const rows = {
        a: row('load', 1),
        A: row('load', 9, true),
        B: row('load', 8, true),
        m: row('memory', 1),
        M: row('memory', 9, true),
      };
      expectObservable(cold('a-A-m-B-M-a-a', rows).pipe(alarmChanges())).toBe('--A-----M-a', rows);
    }),
  );

  it(
    'are told in a line',
    marbles(({ cold, expectObservable }) => {
      const rows = { A: row('processor', 97, true), a: row('processor', 4) };
      expectObservable(cold('Aa', rows).pipe(noteAlarms())).toBe('Aa', {
        A: { kind: 'alarm', text: 'processor left its usual range: 97.0 %' },
        a: { kind: 'calm', text: 'processor is as usual again: 4.0 %' },
      });
    }),
  );
});

describe('outages', () => {
  const error = new ConnectionError('the cable is gone');
  const states: Record<string, ConnectionState> = {
    i: { kind: 'idle' },
    c: { kind: 'connecting' },
    r: { kind: 'ready', protocol: 3 },
    1: { kind: 'reconnecting', attempt: 1, delay: 5, error },
    2: { kind: 'reconnecting', attempt: 2, delay: 5, error },
    x: { kind: 'closed' },
  };
  const lost: OutageEvent = { kind: 'lost', why: 'the cable is gone' };

  it(
    'tell how long the connection was away and how often it was tried',
    marbles(({ hot, expectObservable }) => {
      const state$ = hot('  icr--1c---2-cr---1cr', states);
      const expected = '    -----l-------b---m-c';
      expectObservable(state$.pipe(outages())).toBe(expected, {
        l: lost,
        b: { kind: 'back', away: 8, attempts: 2 },
        m: lost,
        c: { kind: 'back', away: 2, attempts: 1 },
      });
    }),
  );

  it(
    'tell no attempts of a client that does not, as that of a cluster',
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('r-1--r', states).pipe(outages())).toBe('--l--b', {
        l: lost,
        b: { kind: 'back', away: 3, attempts: undefined },
      });
    }),
  );

  it(
    'know a client that is closed from one that is back',
    marbles(({ hot, expectObservable }) => {
      expectObservable(hot('r-1-(x|)', states).pipe(outages())).toBe('--l-(g|)', { l: lost, g: { kind: 'gone' } });
    }),
  );

  it(
    'are told in a line',
    marbles(({ cold, expectObservable }) => {
      const events: Record<string, OutageEvent> = {
        l: lost,
        b: { kind: 'back', away: 812, attempts: 4 },
        c: { kind: 'back', away: 812, attempts: undefined },
        g: { kind: 'gone' },
      };
      expectObservable(cold('lbcg', events).pipe(noteOutages('viewer'))).toBe('lbcg', {
        l: { kind: 'lost', text: 'viewer: connection lost: the cable is gone' },
        b: { kind: 'back', text: 'viewer: reconnected after 812 ms, attempt 4' },
        c: { kind: 'back', text: 'viewer: reconnected after 812 ms' },
        g: { kind: 'lost', text: 'viewer: closed' },
      });
    }),
  );

  it(
    'are set among the messages that came before and after',
    marbles(({ hot, expectObservable }) => {
      const messages$ = hot('-m-m------m-m');
      const outages$ = hot<OutageEvent>('----l--b', { l: lost, b: { kind: 'back', away: 3, attempts: 1 } });
      expectObservable(messages$.pipe(noteMessagesAround(outages$))).toBe('----b-----a', {
        b: { kind: 'lost', text: 'viewer: 2 messages had come' },
        a: { kind: 'back', text: 'viewer: message 3 came 3 ms later, the stream goes on' },
      });
    }),
  );
});

describe('tally', () => {
  it(
    'counts each thing by its name, from nothing',
    marbles(({ cold, expectObservable }) => {
      const things = { h: 'heard', u: 'unheard', r: 'received' } as const;
      const counts$ = cold('--h-r-u-h', things).pipe(
        tally(),
        map((counts) => `${published(counts)} ${counts.received}`),
      );
      expectObservable(counts$).toBe('0-1-2-3-4', ['0 0', '1 0', '1 1', '2 1', '3 1']);
    }),
  );
});

function sample(sign: SignName, value: number): Sample {
  return { sign, at: 0, value };
}

function row(sign: SignName, value: number, alarmed = false): Row {
  return { sign, value, average: value, recent: [value], alarmed };
}

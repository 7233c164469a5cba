import { stripVTControlCharacters } from 'node:util';
import { createColors } from 'picocolors';
import { asyncScheduler, type Observable } from 'rxjs';
import { ConnectionError, type ConnectionState } from 'rxjs-redis';
import type { Dashboard } from '../../../infra/demo/model/dashboard';
import type { Entry, Note } from '../../../infra/demo/model/journal';
import type { Row } from '../../../infra/demo/model/rows';
import { parseOptions, UsageError } from '../../../infra/demo/options';
import { Space } from '../../../infra/demo/space';
import { signNames } from '../../../infra/demo/vitals/signs';
import { frame } from '../../../infra/demo/view/frame';
import { plainView } from '../../../infra/demo/view/plain';
import { summary } from '../../../infra/demo/view/summary';
import { terminalView } from '../../../infra/demo/view/terminal';
import { marbles } from './marbles';

const billing = { title: 'The vital signs of a machine with a rather long name at a server far away', seconds: 20 };
const grey = createColors(false);
const ready: ConnectionState = { kind: 'ready', protocol: 3 };
const reconnecting: ConnectionState = {
  kind: 'reconnecting',
  attempt: 12,
  delay: 250,
  error: new ConnectionError('gone'),
};

const full: Dashboard = {
  elapsed: 12_345,
  table: Object.fromEntries(signNames.map((sign, index) => [sign, row(sign, 123_456_789, index === 0)])),
  links: { publisher: ready, viewer: reconnecting },
  tally: { heard: 4000, unheard: 1000, unanswered: 10, received: 4010, reconnects: 2, alarms: 3 },
  rate: 25,
  journal: (['strain', 'cut', 'mended', 'lost', 'back', 'alarm', 'calm'] as const).map((kind) =>
    entry(12_345, kind, `${kind} ${'and so on '.repeat(20)}`),
  ),
};
const empty: Dashboard = { ...full, elapsed: 0, table: {}, journal: [] };

describe('a frame', () => {
  it('fits 80 columns and 24 lines, however much there is to say', () => {
    const lines = frame(full, billing, grey);
    expect(lines.filter((line) => line.length > 79)).toEqual([]);
    expect(lines.length).toBeLessThan(24);
  });

  it('shows signs, alarms, states, counts and the journal', () => {
    const text = frame(full, billing, grey).join('\n');
    for (const part of [
      /12\.3 s of 20 s/,
      /load +123456789\.00 .*▁█ ▲ alarm/,
      /network out +123\.5 MB\/s +0\.5 kB\/s +▁█$/m,
      /publisher +● ready +5010 published, 1000 unheard/,
      /viewer +○ reconnecting, attempt 12 in 250 ms +4010 received, 25 a second/,
      /12\.3 s ✂ cut and so on/,
    ]) {
      expect(text).toMatch(part);
    }
  });

  it('has a line of bars from the lowest to the highest value, flat where no more changes than is tolerated', () => {
    const drawn = (values: readonly number[]) => {
      const table = { load: { ...row('load', 0, false), recent: values } };
      return /[▁▂▃▄▅▆▇█]+/.exec(frame({ ...full, table }, billing, grey).join('\n'))?.[0];
    };
    expect(drawn([0, 1, 2, 3, 4, 5, 6, 8])).toBe('▁▁▂▃▄▅▆█');
    expect(drawn([5, 5, 5])).toBe('▁▁▁');
    expect(drawn([100, 100.05])).toBe('▁▂');
  });

  it('holds no escape sequence without colours, and the same text with them', () => {
    const plain = frame(full, billing, grey).join('\n');
    const colourful = frame(full, billing, createColors(true)).join('\n');
    expect(plain).not.toContain('\x1b');
    expect(colourful).toContain('\x1b[31m');
    expect(stripVTControlCharacters(colourful)).toBe(plain);
  });

  it('is there before the first sample', () => {
    expect(frame(empty, billing, grey).join('\n')).toContain('0.0 s of 20 s');
  });
});

describe('the terminal view', () => {
  it(
    'enters a screen of its own, then draws each frame in one write over the one before',
    marbles(({ hot, expectObservable }) => {
      const dashboard$ = hot('50ms a 10ms b 200ms b', { a: empty, b: full });
      const lines = frame(full, billing, grey).slice(0, 5);
      const drawn = `\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`;
      const text$ = terminalView(billing, grey, () => 5).text(show(dashboard$, hot('-')));
      expectObservable(text$, '^ 400ms !').toBe('e 149ms f 211ms f', {
        e: '\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J',
        f: drawn,
      });
    }),
  );

  it('gives the cursor back in the end and leaves the last frame', () => {
    const view = terminalView(billing, grey, () => 24);
    expect(view.farewell).toBe('\x1b[?7h\x1b[?25h\x1b[?1049l');
    expect(view.memento(full)).toBe(`${frame(full, billing, grey).join('\n').trimEnd()}\n`);
  });
});

describe('the plain view', () => {
  it(
    'prints the title, then the signs four times a second and each entry at once',
    marbles(({ hot, cold, expectObservable }) => {
      const calm: Dashboard = { ...full, links: { publisher: ready, viewer: ready } };
      const text$ = plainView(billing).text(
        show(cold('c 399ms l', { c: calm, l: full }), hot('300ms n', { n: entry(300, 'cut', 'snip') })),
      );
      expectObservable(text$, '^ 600ms !').toBe('t 249ms s 49ms n 199ms l', {
        t: `${billing.title}\n`,
        s: '  0.3 s   load 123456789.00! cpu 123456789.0 %  mem  0.123 GB  in 123.5 MB/s  out 123.5 MB/s\n',
        n: '  0.3 s ✂ snip\n',
        l: '  0.5 s   viewer reconnecting, attempt 12 in 250 ms, 4010 messages so far\n',
      });
    }),
  );
});

describe('the summary', () => {
  it('tells what was published, received and kept', () => {
    const kept = [{ sign: 'load', latest: 1.25, samples: 50 } as const];
    expect(summary(full, new Space('vitals'), kept)).toBe(`
12.3 s: 5010 messages published, 4010 received; 1000 found nobody subscribed, 10 got no answer
2 reconnects, 3 alarms
kept in Redis and read back from vitals:latest and vitals:history:*
  load                 1.25   and its last 50 samples
`);
  });
});

describe('the options of the demo', () => {
  it('are 20 seconds and a server of its own when nothing is said', () => {
    expect(parseOptions([])).toEqual({
      ...{ seconds: 20, url: undefined, open: false, terminal: false },
      ...{ cluster: false, sentinel: false },
    });
  });

  it('are read', () => {
    expect(parseOptions(['--seconds', '4', '--url=redis://h', '--open'])).toMatchObject({
      seconds: 4,
      url: 'redis://h',
      open: true,
    });
    expect(parseOptions(['--terminal'])).toMatchObject({ terminal: true });
    expect(parseOptions(['--cluster'])).toMatchObject({ cluster: true, sentinel: false });
    expect(parseOptions(['--sentinel'])).toMatchObject({ cluster: false, sentinel: true });
    expect(parseOptions(['--help'])).toBe('help');
  });

  it.each([
    [['--seconds', '1'], '--seconds takes a number from 2 to 3600'],
    [['--seconds', 'secret'], '--seconds takes a number from 2 to 3600'],
    [['redis://:secret@h'], 'There are only options: --url names a server'],
    [['--ulr=redis://:secret@h'], "Unknown option '--ulr'"],
    [['--open', '--terminal'], '--open opens the page, which --terminal leaves out'],
    [['--cluster', '--sentinel'], '--url, --cluster and --sentinel exclude each other'],
    [['--cluster', '--url=redis://:secret@h'], '--url, --cluster and --sentinel exclude each other'],
    [['--url'], "Option '--url <value>' argument missing"],
  ])('are refused in one line that repeats no value: %j', (args, message) => {
    expect(() => parseOptions(args)).toThrow(UsageError);
    expect(() => parseOptions(args)).toThrow(new RegExp(`^${message}$`));
  });
});

function show(dashboard$: Observable<Dashboard>, journal$: Observable<Entry>) {
  return { dashboard$, journal$, clock: asyncScheduler };
}

function row(sign: Row['sign'], value: number, alarmed: boolean): Row {
  return { sign, value, average: 512, recent: [value - 1e9, value], alarmed };
}

function entry(timestamp: number, kind: Note['kind'], text: string): Entry {
  return { timestamp, value: { kind, text } };
}

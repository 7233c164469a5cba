import { loadMutant } from './mutant';
import type { Range, Report } from './seeds';

/** Seeds that one spec file runs, so that all workers of Jest have their share. */
const BLOCK = 3_000;
/** Seeds of one spec: few enough that no machine is so slow that Jest takes them for hanging. */
const SLICE = 500;

/** What seeds have to come across: a simulation in which nothing happens would find nothing. */
const EXPECTED = [
  ...['value', 'left', 'error ReplyError', 'error TimeoutError', 'error ConnectionError', 'error DisconnectedError'],
  ...['error ProtocolError', 'error AuthenticationError', 'message', 'ready', 'reconnecting', 'closed', 'lost', 'full'],
  ...['garbage', 'noise', 'extra', 'split request', 'split reply', 'garbage inside a reply', 'garbage behind a reply'],
  ...['cut', 'stall', 'half-open'].flatMap((fault) =>
    ['request', 'reply'].flatMap((frame) =>
      ['before', 'inside', 'behind'].map((spot) => `${fault} ${spot} a ${frame}`),
    ),
  ),
  ...[
    'refused',
    'silent',
    'slow handshake',
    'closed twice',
    'resp2',
    'noproto',
    'wrongpass',
    'maxclients',
    'signed in again',
  ],
  ...['handshake refused for good', 'handshake refused for the moment', 'SUBSCRIBE refused for the moment'],
  ...['SELECT refused', 'CLIENT refused', 'X.PREPARE refused'],
  ...['late', 'failing', 'ending', 'never', 'malformed'].map((manner) => `credentials ${manner}`),
  ...['left unsent', 'left in flight', 'left waiting for another try', 'tried again by retrySafely'],
  ...[
    'closed with something pending',
    'measured at rest',
    ...['lent for the first time', 'lent again', 'no lease in time', 'dedicated left', 'watch left'],
    ...[
      'watched and incremented',
      'watched and left',
      'conflict to the last',
      'type known',
      'type not known',
      'type has changed',
    ],
    ...['take value', 'take left', 'wait ended', 'element put back', 'element lost with its connection'],
    ...[
      'entry tailed',
      'tail left',
      'tail at rest',
      'entry handled',
      'entry recovered',
      'entry claimed',
      'dead letter',
    ],
    ...['consume left', 'consumer at rest', 'consumer drained'],
    ...[
      'job begun',
      'job done',
      'job failed',
      'job dead',
      'job lost',
      'job recovered',
      'job given back',
      'job taken back',
    ],
    ...['work left', 'queue at rest', 'queue drained'],
    'destroyed by a policy',
    'published by who had subscribed in the same tick',
  ],
];

/** How often each has to strike in a block; what is rarest does so nine times and more. */
const FEWEST = 5;

/** The client as it is, without the counters of coverage, which take four fifths of the time. */
const simulation = loadMutant(undefined);

/** The specs of one block of seeds, counted from 0. */
export function describeSeeds(block: number): void {
  const slices = Array.from({ length: BLOCK / SLICE }, (_, index) => new Slice(block * BLOCK + 1 + index * SLICE));

  describe('The client in virtual time, against a server and a network that fail', () => {
    it.each(slices)('keeps every promise in seeds $from to $to', async (slice) => {
      const { seeds, failure } = await slice.report();
      if (failure !== undefined) throw new Error(await (await simulation).explain(failure));
      expect(seeds).toBe(SLICE);
    });

    it('has met everything that the simulation can do to it', async () => {
      const counts = new Map<string, number>();
      for (const slice of slices)
        for (const [what, times] of (await slice.report()).counts) counts.set(what, (counts.get(what) ?? 0) + times);
      expect(EXPECTED.filter((what) => (counts.get(what) ?? 0) < FEWEST)).toStrictEqual([]);
    });
  });
}

/** Seeds that are run together, once: their report is kept for all who ask. */
class Slice implements Range {
  readonly count = SLICE;
  readonly to: number;
  #report: Promise<Report> | undefined;

  constructor(readonly from: number) {
    this.to = from + SLICE - 1;
  }

  report(): Promise<Report> {
    return (this.#report ??= simulation.then(({ runSeeds }) => runSeeds(this)));
  }
}

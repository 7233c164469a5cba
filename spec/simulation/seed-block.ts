import { explain, runSeeds } from './seeds';

/** Seeds that one spec file runs, so that all workers of Jest have their share. */
const BLOCK = 5_000;
/** What a block takes on a slow machine that has other things to do, ms. */
const LONGEST = 120_000;

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
    'destroyed by a policy',
    'published by who had subscribed in the same tick',
  ],
];

/** How often each has to strike in a block; what is rarest does so nine times and more. */
const FEWEST = 5;

/** The specs of one block of seeds, counted from 0. */
export function describeSeeds(block: number): void {
  const from = block * BLOCK + 1;
  describe('The client in virtual time, against a server and a network that fail', () => {
    it(
      `keeps every promise in seeds ${from} to ${from + BLOCK - 1}`,
      async () => {
        const { counts, failure } = await runSeeds({ from, count: BLOCK });
        if (failure !== undefined) throw new Error(await explain(failure));
        expect(EXPECTED.filter((what) => (counts.get(what) ?? 0) < FEWEST)).toStrictEqual([]);
      },
      LONGEST,
    );
  });
}

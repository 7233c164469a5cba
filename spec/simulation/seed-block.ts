import { explain, runSeeds } from './seeds';

/** Seeds that one spec file runs, so that all workers of Jest have their share. */
const BLOCK = 5_000;
/** What a block takes on a slow machine that has other things to do, ms. */
const LONGEST = 120_000;

/** What seeds have to come across: a simulation in which nothing happens would find nothing. */
const EXPECTED = [
  ...['value', 'left', 'error ReplyError', 'error TimeoutError', 'error ConnectionError', 'error DisconnectedError'],
  ...['error ProtocolError', 'error AuthenticationError', 'message', 'ready', 'reconnecting', 'closed', 'lost', 'full'],
  ...['cut', 'stall', 'garbage', 'noise', 'extra'],
];

/** The specs of one block of seeds, counted from 0. */
export function describeSeeds(block: number): void {
  const from = block * BLOCK + 1;
  describe('The client in virtual time, against a server and a network that fail', () => {
    it(
      `keeps every promise in seeds ${from} to ${from + BLOCK - 1}`,
      async () => {
        const { counts, failure } = await runSeeds({ from, count: BLOCK });
        if (failure !== undefined) throw new Error(await explain(failure));
        expect(EXPECTED.filter((what) => (counts.get(what) ?? 0) < 10)).toStrictEqual([]);
      },
      LONGEST,
    );
  });
}

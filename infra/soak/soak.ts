import { Redis } from 'rxjs-redis';
import type { RunningServer } from '../servers';
import { startBadLine, type BadLine, type LineReport } from './bad-line';
import { footprint, type Footprint } from './footprint';
import { Messages } from './messages';
import type { SoakOptions } from './options';
import { COUNTERS, Ledger, Worker, type Count } from './workload';

/** Whatever a network can do to a command, it ends within these, ms. */
const LIMITS = { commandTimeout: 20_000, readTimeout: 500, writeTimeout: 2_000, connectTimeout: 500 } as const;
const RECONNECT = { initialDelay: 5, maxDelay: 100 } as const;
/** The share of the time after which memory is looked at for the first time: by then all code has run. */
const WARM_UP = 0.2;

export interface Progress {
  readonly seconds: number;
  readonly ledger: Ledger;
  readonly memory: number;
}

/** All that can be said afterwards. */
export interface SoakReport {
  readonly ledger: Ledger;
  readonly totals: readonly { readonly total: number; readonly count: Count }[];
  readonly messages: { readonly published: number; readonly heard: number; readonly wrong: readonly string[] };
  readonly stillHears: boolean;
  readonly line: LineReport;
  readonly reconnects: number;
  readonly seconds: number;
  /** with the client at rest: after the warm-up, and in the end */
  readonly memory: readonly [number, number];
  /** without the client: before and after */
  readonly handles: readonly [Footprint, Footprint];
}

/** Keeps a client busy for the time asked for, on a line that is cut all the time. */
export async function soak(
  server: RunningServer,
  options: SoakOptions,
  onProgress: (progress: Progress) => void,
): Promise<SoakReport> {
  const { seconds, cutEvery, seed } = options;
  const line = await startBadLine(server, cutEvery, seed);
  const before = await footprint();
  const began = performance.now();
  const redis = new Redis({ url: line.url, reconnect: RECONNECT, ...LIMITS });
  const direct = new Redis(server.url);
  let reconnects = 0;
  redis.events$.subscribe(({ type }) => (reconnects += type === 'reconnecting' ? 1 : 0));
  const ledger = new Ledger();
  const messages = new Messages(redis, direct);
  const work = (share: number, round: number) =>
    workFor(share * seconds * 1000, { redis, ledger, messages, options, round, began, onProgress });

  await work(WARM_UP, 1);
  const warm = await footprint();
  await work(1 - WARM_UP, 2);
  const report = await mend(line);
  const stillHears = await messages.stillHears();
  const after = await footprint();
  const totals = await Promise.all(
    Array.from({ length: COUNTERS }, async (_, at) => ({
      total: Number(await direct.get(`count:${at}`)),
      count: ledger.counts[at]!,
    })),
  );
  messages.stop();
  await redis.close();
  await direct.close();
  const end = await footprint();
  await line.stop();
  return {
    ledger,
    totals,
    messages,
    stillHears,
    line: report,
    reconnects,
    seconds: (performance.now() - began) / 1000,
    memory: [warm.memory, after.memory],
    handles: [before, end],
  };
}

interface Round {
  readonly redis: Redis;
  readonly ledger: Ledger;
  readonly messages: Messages;
  readonly options: SoakOptions;
  readonly round: number;
  readonly began: number;
  readonly onProgress: (progress: Progress) => void;
}

async function workFor(
  ms: number,
  { redis, ledger, messages, options, round, began, onProgress }: Round,
): Promise<void> {
  const end = performance.now() + ms;
  const isOver = () => performance.now() >= end;
  const ticker = setInterval(() => {
    const { heapUsed, external } = process.memoryUsage();
    onProgress({ seconds: (performance.now() - began) / 1000, ledger, memory: heapUsed + external });
  }, 10_000);
  const workers = Array.from({ length: options.inFlight }, (_, n) => {
    const name = `own:${round}:${n}`;
    return new Worker(redis, ledger, name, options.seed + round * options.inFlight + n).run(isOver);
  });
  await Promise.all([...workers, messages.run(isOver)]);
  clearInterval(ticker);
}

function mend(line: BadLine): Promise<LineReport> {
  return line.mend();
}

import { Command } from '../commands/command';
import { hscan, scan, sscan, zscan } from '../commands/generated/builders';
import type { Ending } from '../demand/ending';
import { PullStream } from '../demand/pull-stream';
import type { ValueSource } from '../demand/pulling';
import { checkedSignal, workOf } from '../demand/stream-options';
import { isBytes } from '../resp/is-bytes';
import { ClusterScan, type ScannedCluster } from './cluster-scan';
import { RecentNames } from './recent-names';
import { Scan, type Page, type Pager } from './scan';
import { readOptions } from './scan-options';

/** What scans a client. */
export interface Scanner extends Pager {
  readonly ending: Ending;
  /** the nodes, where all keys are scanned and there are several */
  readonly cluster?: ScannedCluster | undefined;
}

type Name = string | Uint8Array;

/** Without COUNT a server looks at 10 keys for a page. `scanStream` then asks for twice as many with each page, up to the most. */
const FEWEST = 10;
const MOST = 1_000;

/** What one method scans with. */
interface Kind {
  /** the options of its command */
  readonly tokens: readonly string[];
  /** the first page */
  readonly begin: (key: never, options: object) => Command<unknown>;
  /** where among the arguments the cursor stands */
  readonly cursorAt: number;
  readonly nameOf: (element: never) => Name;
}

const itself = (name: Name): Name => name;

const KINDS = {
  scanStream: {
    tokens: ['MATCH', 'COUNT', 'TYPE'],
    begin: (_: undefined, options: object) => scan('0', options),
    cursorAt: 0,
    nameOf: itself,
  },
  hscanStream: {
    tokens: ['MATCH', 'COUNT', 'NOVALUES'],
    begin: (key: string, options: object) => hscan(key, '0', options),
    cursorAt: 1,
    nameOf: (element: Name | readonly [Name, Name]) => (isName(element) ? element : element[0]),
  },
  sscanStream: {
    tokens: ['MATCH', 'COUNT'],
    begin: (key: string, options: object) => sscan(key, '0', options),
    cursorAt: 1,
    nameOf: itself,
  },
  zscanStream: {
    tokens: ['MATCH', 'COUNT', 'NOSCORES'],
    begin: (key: string, options: object) => zscan(key, '0', options),
    cursorAt: 1,
    nameOf: (element: Name | { readonly member: Name }) => (isName(element) ? element : element.member),
  },
} satisfies Readonly<Record<string, Kind>>;

/** The methods that scan. */
export type ScanMethod = keyof typeof KINDS;

/**
 * What a method that scans returns.
 * @param key undefined where all keys are scanned
 * @throws TypeError that names what is wrong, before anything is sent
 */
export function scanned(scanner: Scanner, method: ScanMethod, key: unknown, given: unknown = {}): PullStream<unknown> {
  const { tokens, begin, cursorAt, nameOf }: Kind = KINDS[method];
  const { ofCommand, remembered, signal, project, concurrency } = readOptions(method, given, tokens);
  const work = workOf<readonly unknown[], unknown>(method, { project, concurrency });
  const { spec, args, read, keys } = begin(key as never, ofCommand);
  // The caller's bytes may change before the first page is asked for.
  const own = args.map((arg) => (isBytes(arg) ? Buffer.from(arg) : arg));
  const grows = method === 'scanStream' && ofCommand['COUNT'] === undefined;
  const pageAt = (cursor: string, taken: number): Command<Page<unknown>> => {
    const at = own.with(cursorAt, cursor);
    if (grows && taken > 0) at.push('COUNT', String(Math.min(FEWEST * 2 ** taken, MOST)));
    return new Command(spec, at, read as Command<Page<unknown>>['read'], keys);
  };
  const { cluster } = scanner;
  const open = (): ValueSource<readonly unknown[]> => {
    const names = remembered === undefined ? undefined : new RecentNames(remembered);
    const scanBy = (pager: Pager): Scan<unknown> =>
      new Scan({ method, pager, pageAt, names, nameOf: nameOf as (element: unknown) => Name });
    if (cluster === undefined) return scanBy(scanner);
    return key === undefined ? new ClusterScan(cluster, scanBy) : scanBy(cluster.pagerFor(pageAt('0', 0)));
  };
  return PullStream.of({ open, work, signal: checkedSignal(signal), ending: scanner.ending });
}

function isName(element: unknown): element is Name {
  return typeof element === 'string' || isBytes(element);
}

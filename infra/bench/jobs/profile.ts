import { Session, type HeapProfiler, type Runtime } from 'node:inspector/promises';
import type { Metrics, Profile } from './job';

/** How often it is looked at what runs, µs: each look is a signal, and a busy process would do little but answer them. */
const INTERVAL = 500;

/** Processor time that is looked at, at the least; µs. On a busy machine the time of one measurement holds little of it. */
const LOOKED_AT = 100_000;

/** What takes heap is looked at once in so many bytes, by chance. */
const BYTES_APART = 512;

/**
 * Measures, and tells how often each function was found to be running: its own time, without what it calls.
 * @param isOnce what is measured can be done once in a process: it is looked at as often as can be, for as long as it takes
 */
export async function profileOf(measure: () => Metrics | Promise<Metrics>, isOnce = false): Promise<Profile> {
  const session = new Session();
  session.connect();
  // A collection while the profiler looks at what is compiled already would wait for itself for ever (nodejs/node #65140).
  await session.post('HeapProfiler.collectGarbage');
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: isOnce ? INTERVAL / 5 : INTERVAL });
  await session.post('Profiler.start');
  const begun = spent();
  do await measure();
  while (!isOnce && spent() - begun < LOOKED_AT);
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const shares = new Shares();
  // What the process waits for costs it nothing.
  for (const { callFrame, hitCount = 0 } of profile.nodes)
    if (callFrame.functionName !== '(idle)') shares.add(callFrame, hitCount);
  return shares.profile('samples');
}

/**
 * Does some work, and tells which functions took the heap of it.
 * @param isKept what is still used when the work is done, and not what has become garbage
 * @param commands how many the work sends
 */
export async function heapProfileOf(work: () => Promise<unknown>, isKept: boolean, commands: number): Promise<Profile> {
  const session = new Session();
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: BYTES_APART,
    includeObjectsCollectedByMajorGC: !isKept,
    includeObjectsCollectedByMinorGC: !isKept,
  });
  await work();
  const { profile } = await session.post('HeapProfiler.stopSampling');
  session.disconnect();
  const shares = new Shares();
  const walk = ({ callFrame, selfSize, children }: HeapProfiler.SamplingHeapProfileNode): void => {
    shares.add(callFrame, selfSize / commands);
    children.forEach(walk);
  };
  walk(profile.head);
  return shares.profile('bytes a command');
}

/** How much each function has. */
class Shares {
  private readonly functions = new Map<string, Profile['functions'][number]>();

  add({ functionName, url, lineNumber }: Runtime.CallFrame, share: number): void {
    if (share === 0) return;
    const name = functionName === '' ? '(anonymous)' : functionName;
    const place = url === '' ? '' : `${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`;
    const own = (this.functions.get(`${name} ${place}`)?.own ?? 0) + share;
    this.functions.set(`${name} ${place}`, { name, place, own });
  }

  profile(unit: Profile['unit']): Profile {
    const functions = [...this.functions.values()].sort((one, other) => other.own - one.own);
    return { unit, total: functions.reduce((sum, { own }) => sum + own, 0), functions };
  }
}

/** Processor time of this process; µs. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

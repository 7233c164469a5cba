import { Session } from 'node:inspector/promises';
import type { Metrics, Profile } from './job';

/** How often it is looked at what runs, µs: each look is a signal, and a busy process would do little but answer them. */
const INTERVAL = 500;

/** Processor time that is looked at, at the least; µs. On a busy machine the time of one measurement holds little of it. */
const LOOKED_AT = 100_000;

/** Measures, and tells how often each function was found to be running: its own time, without what it calls. */
export async function profileOf(measure: () => Metrics | Promise<Metrics>): Promise<Profile> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL });
  await session.post('Profiler.start');
  const begun = spent();
  do await measure();
  while (spent() - begun < LOOKED_AT);
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  const byFunction = new Map<string, Profile['functions'][number]>();
  for (const { callFrame, hitCount = 0 } of profile.nodes) {
    const { functionName, url, lineNumber } = callFrame;
    // What the process waits for costs it nothing.
    if (functionName === '(idle)') continue;
    const name = functionName === '' ? '(anonymous)' : functionName;
    const place = url === '' ? '' : `${url.slice(url.lastIndexOf('/') + 1)}:${lineNumber + 1}`;
    const samples = (byFunction.get(`${name} ${place}`)?.samples ?? 0) + hitCount;
    byFunction.set(`${name} ${place}`, { name, place, samples });
  }
  const functions = [...byFunction.values()].sort((one, other) => other.samples - one.samples);
  return { samples: functions.reduce((sum, { samples }) => sum + samples, 0), functions };
}

/** Processor time of this process; µs. */
function spent(): number {
  const { user, system } = process.cpuUsage();
  return user + system;
}

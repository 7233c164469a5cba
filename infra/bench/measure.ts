import type { RunningCluster, RunningServer } from '../servers';
import { ask } from '../servers/ask';
import type { ClientName } from './clients';
import type { Assignment, Job, Metrics, Profile } from './jobs/job';
import { PROFILED_TIMES } from './jobs/messages';
import { SCANNED, fill } from './data';
import { publish, untilSubscribed } from './publish';
import { noResults, type RowResults } from './results';
import type { SilentProxy } from './silent-proxy';
import { WorkerProcess, type Workshop } from './worker-process';
import type { Workload } from './workloads';

/** How long a server may take to make a million keys, ms. */
const FILLING = 120_000;

/** Where measurements take place. */
export interface Site {
  readonly workshop: Workshop;
  readonly server: RunningServer;
  readonly silentProxy: SilentProxy;
  /** three masters, started when they are first asked for */
  readonly cluster: () => Promise<RunningCluster>;
  /** three masters with replicas for one client, whose slots are served where others are not */
  readonly failingCluster: () => Promise<RunningCluster>;
}

/** Measures once, in a process that has been prepared or in a new one. */
interface Participant {
  measure(): Promise<Metrics>;
  profile(): Promise<Profile>;
  end(): void;
}

/**
 * Measures a workload: every client in a process of its own, in turns, round after round, so that whatever else the
 * machine does hits all of them alike.
 */
export async function measureWorkload(site: Site, workload: Workload, rounds: number): Promise<readonly RowResults[]> {
  const all = workload.rows.map(noResults);
  const participants = new Map<ClientName, Participant>();
  const attempt = async <T>(client: ClientName, step: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await step();
    } catch (error) {
      participants.get(client)?.end();
      participants.delete(client);
      for (const { values, failures } of all) {
        values.delete(client);
        failures.set(client, (error as Error).message);
      }
      return undefined;
    }
  };
  try {
    for (const client of workload.clients) {
      const participant = await attempt(client, () => prepare(site, workload.job(client), client));
      if (participant !== undefined) participants.set(client, participant);
    }
    for (let round = 0; round < Math.min(rounds, workload.mostRounds ?? rounds); round++) {
      for (const [client, participant] of participants) {
        const metrics = await attempt(client, () => participant.measure());
        if (metrics !== undefined) all.forEach((results) => note(results, client, metrics));
      }
    }
  } finally {
    for (const participant of participants.values()) participant.end();
  }
  return all;
}

/** Where a client's time goes in a workload, or the heap where that is what it tells of. */
export async function profileWorkload(site: Site, workload: Workload, client: ClientName): Promise<Profile> {
  const participant = await prepare(site, workload.job(client), client);
  try {
    return await participant.profile();
  } finally {
    participant.end();
  }
}

function note({ row, values }: RowResults, client: ClientName, metrics: Metrics): void {
  const sofar = values.get(client) ?? [];
  values.set(client, [...sofar, metrics[row.metric]!]);
}

async function prepare(site: Site, job: Job, client: ClientName): Promise<Participant> {
  if (job.kind === 'scan') await ask(site.server, fill, FILLING);
  const url = await urlFor(site, job);
  const assignment = { job, client, url };
  if (job.kind === 'pending' || job.kind === 'start-up') return newProcessEachTime(site.workshop, assignment);
  const worker = WorkerProcess.start(site.workshop, assignment);
  try {
    await worker.ready();
    if (job.kind !== 'messages') return worker;
    return await receiver(worker, site.server, job);
  } catch (error) {
    worker.end();
    throw error;
  }
}

async function urlFor({ server, silentProxy, cluster, failingCluster }: Site, { kind }: Job): Promise<string> {
  if (kind === 'cluster') return (await cluster()).nodes[0]!.url;
  if (kind === 'failover') return (await failingCluster()).nodes[0]!.url;
  if (kind === 'pending') return silentProxy.url;
  return kind === 'scan' ? `${server.url}/${SCANNED.database}` : server.url;
}

function newProcessEachTime(workshop: Workshop, assignment: Assignment): Participant {
  const inNewProcess = async <T>(given: Assignment, what: (worker: WorkerProcess) => Promise<T>): Promise<T> => {
    const worker = WorkerProcess.start(workshop, given);
    try {
      return await what(worker);
    } finally {
      worker.end();
    }
  };
  return {
    measure: () => inNewProcess(assignment, (worker) => worker.measured()),
    profile: () => inNewProcess({ ...assignment, isProfiled: true }, (worker) => worker.profiled()),
    end: () => undefined,
  };
}

/** Publishes, as often as it takes, to a receiver that stands still, then lets it go: it reads as fast as it can, never waiting for a publisher. */
async function receiver(
  worker: WorkerProcess,
  server: RunningServer,
  { channel, count, times }: Extract<Job, { kind: 'messages' }>,
): Promise<Participant> {
  const gather = async (): Promise<Metrics> => {
    worker.pause();
    try {
      await publish(server, channel, count);
    } finally {
      worker.resume();
    }
    return worker.measured();
  };
  const measure = async (): Promise<Metrics> => {
    let [seconds, cpu] = [0, 0];
    for (let time = 0; time < times; time++) {
      const metrics = await gather();
      seconds += count / metrics.perSecond!;
      cpu += metrics.cpu! / times;
    }
    return { perSecond: (count * times) / seconds, cpu };
  };
  const profile = async (): Promise<Profile> => {
    worker.startProfile();
    await worker.ready();
    for (let time = 0; time < PROFILED_TIMES; time++) await gather();
    return worker.profiled();
  };
  await untilSubscribed(server, channel);
  await gather(); // warms up
  return { measure, profile, end: () => worker.end() };
}

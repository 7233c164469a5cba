import { once } from 'node:events';
import { clients } from './clients';
import type { Assignment, Metrics, Profile, WorkerMessage } from './jobs/job';

/**
 * A process that measures one client in one way. It is bundled and run by plain node, so that nothing but the client
 * takes time or memory in it; what only one job needs is loaded by that job.
 */
async function work({ job, client: name, url, isProfiled }: Assignment): Promise<void> {
  if (job.kind === 'decoding') {
    const { copy, decode, timeTakingIn } = await import('./jobs/decoding');
    const measure = (): Metrics => timeTakingIn(name === 'floor' ? copy : decode, job.megabytes);
    measure(); // warms up
    measureOnDemand(measure);
    return;
  }
  if (job.kind === 'observers') {
    const { prepareObservers } = await import('./jobs/observers');
    measureOnDemand(await prepareObservers(url, job));
    return;
  }
  if (job.kind === 'misses') {
    const { prepareMisses } = await import('./jobs/misses');
    measureOnDemand(await prepareMisses(url, name === 'ours, cache', job));
    return;
  }
  if (job.kind === 'live') {
    const { prepareLive } = await import('./jobs/live');
    measureOnDemand(await prepareLive(url, job));
    return;
  }
  if (job.kind === 'failover') {
    const { prepareFailover } = await import('./jobs/failover');
    measureOnDemand(await prepareFailover(url, job));
    return;
  }
  if (job.kind === 'pace') {
    const { publishEvenly } = await import('./jobs/pace');
    const said = async (): Promise<'go' | 'stop'> => (await once(process, 'message'))[0] as 'go' | 'stop';
    const publishing = publishEvenly(url, job, said, () => say({ type: 'ready' }));
    say({ type: 'ready' });
    await publishing;
    return;
  }
  if (job.kind === 'cluster') {
    const { prepareClusterReads } = await import('./jobs/cluster-reads');
    measureOnDemand(await prepareClusterReads(name, url, job));
    return;
  }
  const client = await clients[name].load();
  switch (job.kind) {
    case 'throughput': {
      const { prepareThroughput } = await import('./jobs/throughput');
      const { command, inFlight } = job;
      const connected = await client.connect(url);
      measureOnDemand(await prepareThroughput({ ...job, run: (total) => connected.run(command, inFlight, total) }));
      break;
    }
    case 'groups': {
      const { prepareThroughput } = await import('./jobs/throughput');
      const { method, size, inFlight } = job;
      const connected = await client.connect(url);
      const run = (total: number): Promise<void> => connected.runGroups(method, size, inFlight, total);
      measureOnDemand(await prepareThroughput({ ...job, run }));
      break;
    }
    case 'lease': {
      const { prepareLease } = await import('./jobs/lease');
      const plain = await (await clients['ours, await'].load()).connect(url);
      measureOnDemand(await prepareLease(plain, await client.connect(url), job));
      break;
    }
    case 'messages': {
      const { receiveMessages } = await import('./jobs/messages');
      const profile = await receiveMessages(client, url, job, report);
      const ready = (): void => say({ type: 'ready' });
      process.on('message', () => void profile(ready).then(tell, fail));
      ready();
      break;
    }
    case 'beside': {
      const { prepareBeside } = await import('./jobs/beside');
      measureOnDemand(await prepareBeside(client, url, job));
      break;
    }
    case 'scan': {
      const { prepareCounted } = await import('./jobs/counted');
      const { scanAll } = await import('./jobs/scan');
      const connected = await client.connect(url);
      measureOnDemand(await prepareCounted(job.keys, () => scanAll(connected, job)));
      break;
    }
    case 'load': {
      const { prepareCounted } = await import('./jobs/counted');
      const connected = await client.connect(url);
      measureOnDemand(await prepareCounted(job.rows, () => connected.load?.(job.rows)));
      break;
    }
    case 'consume': {
      const { prepareCounted } = await import('./jobs/counted');
      const connected = await client.connect(url);
      measureOnDemand(await prepareCounted(job.entries, () => connected.consume?.(job.entries, job.atOnce)));
      break;
    }
    case 'bullmq': {
      const { prepareCounted } = await import('./jobs/counted');
      const connected = await client.connect(url);
      measureOnDemand(await prepareCounted(job.jobs, () => connected.doJobs?.(job.jobs, job.atOnce)));
      break;
    }
    case 'latency': {
      const { prepareLatency } = await import('./jobs/latency');
      measureOnDemand(await prepareLatency(await client.connect(url), job));
      break;
    }
    case 'allocation': {
      const { prepareAllocation } = await import('./jobs/garbage');
      const { measure, profile } = await prepareAllocation(await client.connect(url), job);
      measureOnDemand(measure, profile);
      break;
    }
    case 'collections': {
      const { prepareCollections } = await import('./jobs/garbage');
      measureOnDemand(await prepareCollections(await client.connect(url), job));
      break;
    }
    case 'pending': {
      const { profilePending, weighPending } = await import('./jobs/pending');
      const connected = await client.connect(url);
      if (isProfiled) tell(await profilePending(connected, job.count));
      else report(await weighPending(connected, job.count, clients[name].native === true));
      break;
    }
    case 'start-up': {
      const start = async (): Promise<Metrics> => {
        await (await client.connect(url)).run('get', 1, 1);
        return { milliseconds: performance.now() };
      };
      if (isProfiled) tell(await profiled(start, true));
      else report(await start());
      break;
    }
  }
}

/** Measures whenever the parent says so: other workers have their turns in between. */
function measureOnDemand(measure: () => Metrics | Promise<Metrics>, profile = () => profiled(measure)): void {
  process.on('message', (what) => {
    if (what === 'profile') void profile().then(tell, fail);
    else void Promise.resolve(measure()).then(report, fail);
  });
  say({ type: 'ready' });
}

async function profiled(measure: () => Metrics | Promise<Metrics>, isOnce = false): Promise<Profile> {
  const { profileOf } = await import('./jobs/profile');
  return profileOf(measure, isOnce);
}

function report(metrics: Metrics): void {
  say({ type: 'measured', metrics });
}

function tell(profile: Profile): void {
  say({ type: 'profiled', profile });
}

function say(message: WorkerMessage): void {
  process.send?.(message);
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

// A client would reconnect for ever to the server of a run that was broken off.
process.on('disconnect', () => process.exit(1));

work(JSON.parse(process.argv[2] ?? '') as Assignment).catch(fail);

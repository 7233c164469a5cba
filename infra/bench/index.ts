import { open, writeFile } from 'node:fs/promises';
import { cpus, loadavg } from 'node:os';
import { startCluster, startServer, type ClusterOptions, type RunningCluster } from '../servers';
import { ask } from '../servers/ask';
import { installRuntimes } from '../runtimes';
import { clients } from './clients';
import { seed } from './data';
import { installPeers } from './install-peers';
import { measureWorkload, profileWorkload, type Site } from './measure';
import { chosenWorkloads, parseOptions, usage, type BenchOptions } from './options';
import type { RowResults } from './results';
import { startSilentProxy } from './silent-proxy';
import { floorOf, whileQuiet } from './quiet';
import { formatProfile, formatSummary, formatTable } from './table';
import { judge, judgeMarks } from './targets';
import { makeWorkFolder, prepareWorkshop } from './workshop';

async function main(): Promise<void> {
  const options = parseOptions(process.argv.slice(2));
  if (options === 'help') {
    console.log(usage);
    return;
  }
  if (options.json !== undefined) await assertWritable(options.json);
  const folder = await makeWorkFolder();
  const server = await startServer({ own: true });
  const silentProxy = await startSilentProxy(server);
  const clusters: Promise<RunningCluster>[] = [];
  const start = (options: ClusterOptions): Promise<RunningCluster> => {
    const cluster = startCluster(options);
    clusters.push(cluster);
    return cluster;
  };
  let cluster: Promise<RunningCluster> | undefined;
  try {
    const hasPeers = [...options.clients].some((name) => clients[name].role === 'peer');
    const peers = hasPeers ? await installPeers() : {};
    const bun = [...options.clients].some((name) => clients[name].onBun === true) ? await installBun() : undefined;
    const workshop = await prepareWorkshop(folder, options.dist, bun?.program);
    await ask(server, seed, 10_000);
    const where = describePlace(server.version, { ...peers, ...(bun && { Bun: bun.version }) });
    console.log(`${where}\n`);
    const site: Site = {
      workshop,
      server,
      silentProxy,
      cluster: () => (cluster ??= start({ replicas: 0 })),
      failingCluster: () => start({ fullCoverage: false }),
    };
    if (options.profile !== undefined) {
      await profileRow(site, options);
      return;
    }
    const results = options.quietCheck ? await measureQuietly(site, options) : await measureAll(site, options, show);
    console.log(formatSummary(results));
    if (judge(results).some(({ reached }) => !reached)) process.exitCode = 1;
    if (options.json !== undefined) await writeFile(options.json, toJson(where, results));
  } finally {
    silentProxy.close();
    await Promise.all(clusters.map(async (one) => (await one).stop()));
    await server.stop();
  }
}

/** Prints a table for each client. */
async function profileRow(site: Site, options: BenchOptions): Promise<void> {
  const [workload] = chosenWorkloads(options);
  for (const client of workload!.clients) {
    // Bun tells a program nothing of where its time goes.
    if (clients[client].onBun === true) console.log(`${client}: no profile\n`);
    else console.log(formatProfile(client, await profileWorkload(site, workload!, client)));
  }
}

/** @throws TypeError before anything is measured, which may take half an hour */
async function assertWritable(file: string): Promise<void> {
  try {
    await (await open(file, 'a')).close();
  } catch (cause) {
    throw new TypeError(`--json takes a file that can be written: ${(cause as Error).message}`, { cause });
  }
}

/** @param done told of each table as soon as it is there */
async function measureAll(
  site: Site,
  options: BenchOptions,
  done: (results: readonly RowResults[]) => void,
): Promise<readonly RowResults[]> {
  const all: RowResults[] = [];
  for (const workload of chosenWorkloads(options)) {
    const results = await measureWorkload(site, workload, options.rounds);
    done(results);
    all.push(...results);
  }
  return all;
}

/** Prints all tables at the end, when it is known that the machine was quiet all the time. */
async function measureQuietly(site: Site, options: BenchOptions): Promise<readonly RowResults[]> {
  const { rounds, seconds } = options;
  const measure = (): Promise<readonly RowResults[]> => measureAll(site, options, () => undefined);
  const results = await whileQuiet(floorOf(site, seconds), rounds, measure);
  show(results);
  return results;
}

function show(results: readonly RowResults[]): void {
  console.log(formatTable(results));
}

/** Installs the runtimes, and says where Bun is. */
async function installBun(): Promise<{ readonly program: string; readonly version: string }> {
  const { command, version } = (await installRuntimes()).find(({ name }) => name === 'bun')!;
  return { program: command[0]!, version };
}

function describePlace(serverVersion: string, peers: Readonly<Record<string, string>>): string {
  const versions = Object.entries(peers).map(([name, version]) => `${name} ${version}`);
  const processors = cpus();
  return [
    `Node ${process.version}, ${processors.length} × ${processors[0]?.model.trim() ?? 'processor'}`,
    `load ${loadavg()[0]!.toFixed(1)}, server ${serverVersion}`,
    ...versions,
  ].join(', ');
}

function toJson(where: string, results: readonly RowResults[]): string {
  const rows = results.map(({ row, values, failures }) => ({
    ...row,
    values: Object.fromEntries(values),
    failures: Object.fromEntries(failures),
  }));
  return `${JSON.stringify({ where, rows, targets: judge(results), marks: judgeMarks(results) }, null, 2)}\n`;
}

// The work folder and the workers are left behind by nothing but SIGKILL.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

main().catch((error: unknown) => {
  console.error(error instanceof TypeError ? `${error.message}\n\n${usage}` : error);
  process.exitCode = 1;
});

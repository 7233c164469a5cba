import { startServer } from '../servers';
import { parseOptions, usage, UsageError, type SoakOptions } from './options';
import { soak } from './soak';
import { formatReport, megabytes, violations } from './verdict';

/** How many violations are told; one is enough to fail. */
const TOLD = 20;

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === 'help') {
    console.log(usage);
    return 0;
  }
  const server = await startServer({ own: true });
  try {
    return await judge(options, server);
  } finally {
    await server.stop();
  }
}

async function judge(options: SoakOptions, server: Awaited<ReturnType<typeof startServer>>): Promise<number> {
  const { seconds, inFlight, cutEvery, seed } = options;
  console.log(
    `${seconds} s, ${inFlight} in flight, a cut every ${cutEvery} ms or so, seed ${seed}, server ${server.version}`,
  );
  const report = await soak(server, options, ({ seconds, ledger: { tally, wrong }, memory }) => {
    const so = `${tally.answered} answered, ${tally.unknown} unknown, ${wrong.length} wrong, ${megabytes(memory)}`;
    console.log(`${seconds.toFixed(0).padStart(5)} s  ${so}`);
  });
  console.log(formatReport(report));
  const found = violations(report);
  for (const violation of found.slice(0, TOLD)) console.log(`WRONG: ${violation}`);
  console.log(found.length === 0 ? 'The client kept its word.' : `${found.length} violations.`);
  return found.length === 0 ? 0 : 1;
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    console.error(isUsage ? `soak: ${error.message}; --help tells the options` : error);
    process.exitCode = isUsage ? 2 : 1;
  },
);

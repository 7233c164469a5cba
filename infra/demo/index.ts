import { main } from './main';
import { UsageError } from './options';

// Whoever reads may leave before the end (`| head`); the demo then ends like any other time.
process.stdout.on('error', () => undefined);

main(process.argv.slice(2)).then(
  (exitCode) => {
    process.exitCode = exitCode;
  },
  (error: unknown) => {
    const isUsage = error instanceof UsageError;
    const advice = isUsage ? '; --help tells the options' : '';
    process.stderr.write(`demo: ${error instanceof Error ? error.message : String(error)}${advice}\n`);
    process.exitCode = isUsage ? 2 : 1;
  },
);

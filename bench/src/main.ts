import { BenchError } from './errors.ts';
import { HELP, readOptions } from './options.ts';
import { writeReadme } from './readme.ts';
import { runBench } from './run.ts';
import { formatReport } from './table.ts';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

async function main(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  if (options === null) {
    process.stdout.write(HELP);
    return 0;
  }
  const report = await runBench(options, { env: process.env, onProgress: (text) => process.stderr.write(`${text}\n`) });
  const table = formatReport(report);
  process.stdout.write(options.output === 'json' ? `${JSON.stringify(report, null, 2)}\n` : table);
  if (options.write) writeReadme(table);
  return report.missing.length === 0 ? 0 : EXIT_FAILED;
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = error instanceof BenchError && error.code === 'BadOption' ? EXIT_USAGE : EXIT_FAILED;
  },
);

/** `npm run test:soak`: does a worker hold on to anything, over records, over time, over rebalances? Linux. */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { isFlat, MEMORY, type Figure, type Finding, type Sample } from './judge.ts';
import { type Part, type PartReport, PARTS, runPart, UNITS } from './run-part.ts';
import { startSoakPlatform } from './soak-step.ts';

const HELP = `Watches the memory, sockets, timers and producers of a worker: they are not to grow with what it has done.

  npm run test:soak -- [options]

  --parts <a,b>        of ${PARTS.join(', ')} (all of them)
  --records <n>        passed from topic to topic (10000000)
  --idle-minutes <n>   with nothing to do (60)
  --rebalances <n>     another member comes and goes (1000)
  --result <file>      writes findings and samples there, as JSON
  -h, --help           this text

Exit code 0: everything stayed flat; 1: something grew, or there was no verdict; 2: wrong options.
`;

const EXIT_FOUND = 1;
const EXIT_USAGE = 2;
const TELL_EVERY_MS = 15_000;
const MIB = 1024 * 1024;

const OPTIONS = {
  parts: { type: 'string', default: PARTS.join(',') },
  records: { type: 'string', default: '10000000' },
  'idle-minutes': { type: 'string', default: '60' },
  rebalances: { type: 'string', default: '1000' },
  result: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

interface Options {
  parts: Part[];
  amounts: Record<Part, number>;
  resultFile: string | undefined;
}

/** Undefined: only help was asked for. */
function readOptions(): Options | undefined {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return undefined;
  const number = (name: 'records' | 'idle-minutes' | 'rebalances') => {
    const value = Number(values[name]);
    if (!(value > 0)) throw new Error(`--${name} is to be a number above 0, not "${values[name]}"`);
    return value;
  };
  const parts = values.parts.split(',') as Part[];
  const unknown = parts.find((part) => !PARTS.includes(part));
  if (unknown !== undefined) throw new Error(`no part is called "${unknown}": name some of ${PARTS.join(', ')}`);
  const amounts = { records: number('records'), idle: number('idle-minutes'), rebalances: number('rebalances') };
  return { parts, amounts, resultFile: values.result };
}

/** Whether everything stayed flat. */
async function runAll({ parts, amounts, resultFile }: Options): Promise<boolean> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
  const platform = await startSoakPlatform(console.log);
  const reports: PartReport[] = [];
  try {
    for (const part of parts) {
      const amount = amounts[part];
      console.log(`── ${amount} ${UNITS[part]}`);
      reports.push(await runPart(platform, { part, amount, onSample: teller(part), signal: stop.signal }));
      tellFindings(reports.at(-1)!);
      if (resultFile) writeFileSync(resultFile, JSON.stringify(reports));
    }
  } finally {
    await platform.stop();
  }
  return reports.every(({ findings }) => isFlat(findings));
}

function teller(part: Part): (sample: Sample) => void {
  const startedAt = performance.now();
  let toldAt = -Infinity;
  return ({ done, figures }) => {
    const now = performance.now();
    if (now - toldAt < TELL_EVERY_MS) return;
    toldAt = now;
    const seconds = ((now - startedAt) / 1_000).toFixed(0).padStart(5);
    const { rss, heapUsed, sockets, liveTimers, liveProducers } = figures;
    console.log(
      `${seconds} s  ${round(done)} ${UNITS[part]}; rss ${amountOf('rss', rss)}, heap ${amountOf('heapUsed', heapUsed)}, ` +
        `${sockets} sockets, ${liveTimers} timers, ${liveProducers} producers`,
    );
  };
}

function tellFindings({ part, done, seconds, samples, findings }: PartReport): void {
  console.log(`   ${round(done)} ${UNITS[part]} in ${seconds.toFixed(0)} s, ${samples.length} samples`);
  console.log(`   ${'figure'.padEnd(14)} ${'first'.padStart(11)} ${'last'.padStart(11)} ${'growth'.padStart(11)} ${'limit'.padStart(11)}`);
  for (const finding of findings) console.log(`   ${lineOf(finding)}${rateOf(finding, part)}`);
  console.log(`── ${part}: ${isFlat(findings) ? 'flat' : 'NOT FLAT'}`);
}

function lineOf({ figure, verdict, first, last, growth, limit }: Finding): string {
  const cells = [first, last, growth, limit].map((value) => amountOf(figure, value).padStart(11));
  return `${figure.padEnd(14)} ${cells.join(' ')}  ${verdict}`;
}

function rateOf({ figure, verdict, rate }: Finding, part: Part): string {
  return verdict === 'grows' ? `: ${amountOf(figure, rate * 1_000)} in 1,000 ${UNITS[part]}` : '';
}

function amountOf(figure: Figure, value: number): string {
  return (MEMORY as readonly Figure[]).includes(figure) ? `${(value / MIB).toFixed(2)} MiB` : String(round(value));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

let options: Options | undefined;
try {
  options = readOptions();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(EXIT_USAGE);
}
if (options === undefined) process.stdout.write(HELP);
else {
  const isClean = await runAll(options).catch((error: unknown) => {
    console.error(`no verdict: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  });
  process.exit(isClean ? 0 : EXIT_FOUND);
}

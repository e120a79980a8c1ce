/** `npm run test:mutants`: which changes of the code does no test notice? */
import { globSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type Mutant, mutantsOf } from './mutate.ts';
import { namedMutantsOf } from './named.ts';
import { ImportGraph } from './related.ts';
import { type FileToTry, runAll, type Outcome } from './run-all.ts';
import { isListed, PAGE, parseSurvivors, rowOf, changeOf, isSame, type Survivor } from './survivors.ts';
import { LEAST_SCORE, TARGETS } from './targets.ts';

const HELP = `Changes the code in one place at a time and runs the tests that import it: one of them is to fail.

  npm run test:mutants -- [options] [file ...]

  file           a part of the path of a file, or "path:line"; default all of test/mutants/targets.ts
  --workers <n>  processes side by side (${availableParallelism()})
  --list         only show the mutants
  --verbose      show which test noticed which
  --rows         write survivors that are not listed as rows for ${PAGE}
  -h, --help     this text

Survivors with a reason are listed in ${PAGE}; they count as survivors all the same. The last line is
"mutants: N killed, M survived (P %)"; exit code 1 where a target or all of them are below ${LEAST_SCORE} %.
`;

const EXIT_FOUND = 1;
const EXIT_USAGE = 2;
const ROOT = join(import.meta.dirname, '..', '..');

interface Options {
  wanted: readonly string[];
  workers: number;
  isList: boolean;
  isVerbose: boolean;
  asRows: boolean;
}

/** Undefined: only help was asked for. */
function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      workers: { type: 'string', default: String(availableParallelism()) },
      list: { type: 'boolean', default: false },
      verbose: { type: 'boolean', default: false },
      rows: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) return undefined;
  const workers = Number(values.workers);
  if (!(workers >= 1)) throw new Error(`--workers must be a number of at least 1, not "${values.workers}"`);
  return { wanted: positionals, workers, isList: values.list, isVerbose: values.verbose, asRows: values.rows };
}

function filesToTry(wanted: readonly string[]): FileToTry[] {
  const graph = new ImportGraph(ROOT);
  const files = TARGETS.flatMap((target) => {
    const tests = globSync(target.tests as string[], { cwd: ROOT });
    const sources = globSync(target.files as string[], { cwd: ROOT })
      .filter((file) => !file.endsWith('.test.ts'))
      .sort();
    return sources.map((file): FileToTry => {
      const text = readFileSync(join(ROOT, file), 'utf8');
      const mutants = [...mutantsOf(file, text), ...namedMutantsOf(file, text)].filter((mutant) => isWanted(mutant, wanted));
      return { file, target: target.files.join(', '), text, mutants, tests: graph.testsOf(file, tests) };
    });
  }).filter(({ mutants }) => mutants.length > 0);
  if (files.length === 0) throw new Error(`no file of test/mutants/targets.ts has a mutant at ${wanted.join(', ')}`);
  return files;
}

function isWanted({ file, line }: Mutant, wanted: readonly string[]): boolean {
  return wanted.length === 0 || wanted.some((path) => (/:\d+$/.test(path) ? `${file}:${line}`.endsWith(path) : file.includes(path)));
}

function scoreOf(outcomes: readonly Outcome[]): number {
  return (100 * outcomes.filter(({ killedBy }) => killedBy !== null).length) / outcomes.length;
}

function shown({ file, line, within, ...change }: Mutant): string {
  return `${file}:${line} ${within}: ${changeOf(change)}`;
}

/** Whether each target is at least as good as it has to be. */
function report(outcomes: readonly Outcome[], survivors: readonly Survivor[], { asRows }: Options): boolean {
  const survived = outcomes.filter(({ killedBy }) => killedBy === null);
  const unlisted = survived.filter(({ mutant }) => !isListed(mutant, survivors));
  for (const { mutant } of unlisted) console.log(asRows ? rowOf(mutant) : `survived, not listed in ${PAGE}: ${shown(mutant)}`);
  const killed = outcomes.filter(({ killedBy }) => killedBy !== null);
  for (const survivor of survivors.filter(
    (each) => killed.some(({ mutant }) => isSame(each, mutant)) && !survived.some(({ mutant }) => isSame(each, mutant)),
  )) {
    console.log(`listed in ${PAGE}, but a test notices it: ${survivor.file} ${survivor.within}: ${survivor.change}`);
  }
  for (const [file, its] of Map.groupBy(outcomes, ({ mutant }) => mutant.file)) console.log(line(file, its));
  const targets = [...Map.groupBy(outcomes, ({ target }) => target)];
  for (const [target, its] of targets) console.log(line(target, its));
  console.log(`mutants: ${outcomes.length - survived.length} killed, ${survived.length} survived (${scoreOf(outcomes).toFixed(1)} %)`);
  return targets.every(([, its]) => scoreOf(its) >= LEAST_SCORE);
}

function line(name: string, outcomes: readonly Outcome[]): string {
  const survived = outcomes.filter(({ killedBy }) => killedBy === null).length;
  return `${scoreOf(outcomes).toFixed(1).padStart(6)} %  ${String(outcomes.length - survived).padStart(5)} killed  ${String(survived).padStart(4)} survived  ${name}`;
}

async function main(options: Options): Promise<boolean> {
  const files = filesToTry(options.wanted);
  if (options.isList) {
    for (const { mutants } of files) for (const mutant of mutants) console.log(shown(mutant));
    return true;
  }
  const survivors = parseSurvivors(readFileSync(join(ROOT, PAGE), 'utf8'));
  const outcomes = await runAll(files, options.workers, (done, all, { mutant, killedBy, costs }) => {
    const place = `${String(done).padStart(String(all).length)}/${all}`;
    if (killedBy === null) console.log(`${place} survived${isListed(mutant, survivors) ? ' as listed' : ''}: ${shown(mutant)}`);
    else if (options.isVerbose)
      console.log(`${place} ${Math.round(costs.reduce((sum, { cpuMs }) => sum + cpuMs, 0))} ms: ${shown(mutant)}; ${killedBy}`);
    else if (done % 50 === 0) console.log(`${place} …`);
  });
  return report(outcomes, survivors, options);
}

try {
  const options = readOptions();
  if (options === undefined) process.stdout.write(HELP);
  else if (!(await main(options))) process.exitCode = EXIT_FOUND;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = EXIT_USAGE;
}

/** A process of its own: runs tests against changed files, until its parent ends it. */
import { join } from 'node:path';
import { createVitest, type TestModule } from 'vitest/node';
import { SOURCES } from '../../vitest.config.ts';
import type { Cost, LimitedTests, Trial, Verdict } from './trial.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const WATCH_EVERY_MS = 200;
let changed = { path: '', text: '' };
const changes = {
  name: 'mutant',
  enforce: 'pre' as const,
  transform: (_: string, id: string) => (id === changed.path ? changed.text : undefined),
};

const vitest = await createVitest(
  {
    root: ROOT,
    config: false,
    watch: false,
    pool: 'threads',
    maxWorkers: 1,
    fileParallelism: false,
    isolate: true,
    // Would keep what a mutant was compiled to
    fsModuleCache: false,
    bail: 1,
    reporters: [{}],
    include: ['*/src/**/*.test.ts'],
  },
  { plugins: [changes], resolve: { alias: SOURCES } },
);
await vitest.standalone();

process.on('message', (trial: Trial) => {
  void judge(trial).then((verdict) => process.send!(verdict));
});
process.on('disconnect', () => process.exit());
process.send!({ killedBy: null, costs: [] } satisfies Verdict);

async function judge({ file, text, tests }: Trial): Promise<Verdict> {
  vitest.invalidateFile(changed.path);
  changed = { path: join(ROOT, file), text };
  vitest.invalidateFile(changed.path);
  const costs: Cost[] = [];
  for (const test of tests) {
    const { failure, cost } = await runTests(test);
    costs.push(cost);
    if (failure !== null) return { killedBy: `${test.file}: ${failure}`, costs };
  }
  return { killedBy: null, costs };
}

async function runTests({ file, testTimeoutMs, maxCpuMs }: LimitedTests): Promise<{ failure: string | null; cost: Cost }> {
  const before = process.cpuUsage();
  const cpuMs = () => {
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  // Tests run in a thread of their own, which may never yield
  const watch = setInterval(() => {
    if (cpuMs() > maxCpuMs) process.kill(process.pid, 'SIGKILL');
  }, WATCH_EVERY_MS);
  const project = vitest.getRootProject();
  project.config.testTimeout = testTimeoutMs;
  // What failed before would count for what comes next
  vitest.state.filesMap.clear();
  vitest.state.idMap.clear();
  const { testModules, unhandledErrors } = await vitest.runTestSpecifications([project.createSpecification(join(ROOT, file))]);
  clearInterval(watch);
  const [failure = null] = [...testModules.flatMap(failureOf), ...unhandledErrors.map(String)];
  return { failure, cost: { cpuMs: cpuMs(), slowestTestMs: Math.max(...testModules.map(slowestOf)) } };
}

function slowestOf(module: TestModule): number {
  return Math.max(0, ...[...module.children.allTests()].map((test) => test.diagnostic()?.duration ?? 0));
}

function failureOf(module: TestModule): string[] {
  const [failed] = module.children.allTests('failed');
  if (!module.ok()) return [failed?.fullName ?? 'it does not load'];
  if (module.children.allTests('passed').next().done) throw new Error(`no test of ${module.moduleId} ran`);
  return [];
}

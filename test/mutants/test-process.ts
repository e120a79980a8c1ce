/** A process of its own: runs tests against changed files, until its parent ends it. */
import { join } from 'node:path';
import { createVitest, type TestModule } from 'vitest/node';
import { SOURCES } from '../../vitest.config.ts';
import type { Verdict, Trial } from './trial.ts';

const ROOT = join(import.meta.dirname, '..', '..');
let changed = { path: '', text: '' };
const changes = {
  name: 'mutant',
  enforce: 'pre' as const,
  transform: (_: string, id: string) => (id === changed.path ? changed.text : undefined),
};

const vitest = await createVitest({
  root: ROOT, config: false, watch: false, pool: 'threads', maxWorkers: 1, fileParallelism: false, isolate: true,
  // Would keep what a mutant was compiled to
  fsModuleCache: false,
  bail: 1, reporters: [{}], include: ['*/src/**/*.test.ts'],
}, { plugins: [changes], resolve: { alias: SOURCES } });
await vitest.standalone();

process.on('message', (trial: Trial) => {
  void judge(trial).then((verdict) => process.send!(verdict));
});
process.on('disconnect', () => process.exit());
process.send!({ killedBy: null, ms: 0, slowestTestMs: 0 } satisfies Verdict);

async function judge({ file, text, tests, testTimeoutMs }: Trial): Promise<Verdict> {
  const startedAt = performance.now();
  const project = vitest.getRootProject();
  project.config.testTimeout = testTimeoutMs;
  vitest.invalidateFile(changed.path);
  changed = { path: join(ROOT, file), text };
  vitest.invalidateFile(changed.path);
  let slowestTestMs = 0;
  for (const test of tests) {
    // What failed before would count for what comes next
    vitest.state.filesMap.clear();
    vitest.state.idMap.clear();
    const { testModules, unhandledErrors } = await vitest.runTestSpecifications([project.createSpecification(join(ROOT, test))]);
    const [failure] = [...testModules.flatMap(failureOf), ...unhandledErrors.map(String)];
    if (failure !== undefined) return { killedBy: `${test}: ${failure}`, ms: performance.now() - startedAt, slowestTestMs };
    slowestTestMs = Math.max(slowestTestMs, ...testModules.map(slowestOf));
  }
  return { killedBy: null, ms: performance.now() - startedAt, slowestTestMs };
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

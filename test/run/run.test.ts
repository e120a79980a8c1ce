import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endProcesses, RUN_MARKER, RunWatch } from './left-behind.ts';
import { countTests, type Counts, type TestReport } from './stages.ts';

const report = (counts: Partial<TestReport>): TestReport => ({
  numPassedTests: 0,
  numFailedTests: 0,
  numPendingTests: 0,
  numTodoTests: 0,
  ...counts,
});

const COUNTED: Record<string, { isOk: boolean; report: TestReport | undefined; counts: Counts }> = {
  'a green run': { isOk: true, report: report({ numPassedTests: 3 }), counts: { passed: 3, failed: 0, skipped: 0 } },
  'failed tests': { isOk: false, report: report({ numPassedTests: 3, numFailedTests: 2 }), counts: { passed: 3, failed: 2, skipped: 0 } },
  'tests to do as skipped': {
    isOk: true,
    report: report({ numPendingTests: 1, numTodoTests: 2 }),
    counts: { passed: 0, failed: 0, skipped: 3 },
  },
  'a file that does not load': { isOk: false, report: report({ numPassedTests: 3 }), counts: { passed: 3, failed: 1, skipped: 0 } },
  'a run without a report': { isOk: true, report: undefined, counts: { passed: 0, failed: 1, skipped: 0 } },
};

describe('counting', () => {
  test.for(Object.entries(COUNTED))('%s', ([, { isOk, report, counts }]) => {
    expect(countTests(isOk, report)).toEqual(counts);
  });
});

// Windows does not show one process the environment of another.
describe.runIf(process.platform !== 'win32')('processes left behind', () => {
  test('one whose parent is gone is known by its environment, and ended', async () => {
    const runId = `test-${process.pid}-${Date.now()}`;
    const ours = await startOrphan({ [RUN_MARKER]: runId });
    await startOrphan({ [RUN_MARKER]: `${runId}0` });

    const watch = new RunWatch(runId);
    const left = await watch.stop(0);
    expect(left).toMatchObject([{ pid: ours, command: expect.stringContaining('setInterval') }]);

    endProcesses(left);
    expect(await watch.stop()).toEqual([]);
  });

  test('one without an environment is known by the parent that it had', async () => {
    const watch = new RunWatch('unmarked');
    const pid = await startOrphan({}, () => expect(watch.look().length).toBeGreaterThan(1));
    expect(await watch.stop(0)).toMatchObject([{ pid }]);
  });
});

/** Starts a process whose parent is gone when this returns. */
async function startOrphan(env: Record<string, string>, whileParentLives = (): void => {}): Promise<number> {
  const script = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    child.unref();
    console.log(child.pid);
    process.stdin.resume();`;
  const parent = spawn(process.execPath, ['-e', script], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const closed = once(parent, 'close');
  const [output] = await once(parent.stdout, 'data');
  const pid = Number(String(output));
  onTestFinished(() => endProcesses([{ pid }]));
  whileParentLives();
  parent.stdin.end();
  await closed;
  return pid;
}

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { endProcesses, leftBehind, RUN_MARKER } from '../run/left-behind.ts';
import { countTests, type Counts, type TestReport } from '../run/stages.ts';

const report = (counts: Partial<TestReport>): TestReport =>
  ({ numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, ...counts });

const COUNTED: Record<string, { isOk: boolean; report: TestReport | undefined; counts: Counts }> = {
  'a green run': { isOk: true, report: report({ numPassedTests: 3 }), counts: { passed: 3, failed: 0, skipped: 0 } },
  'failed tests': { isOk: false, report: report({ numPassedTests: 3, numFailedTests: 2 }), counts: { passed: 3, failed: 2, skipped: 0 } },
  'tests to do as skipped': { isOk: true, report: report({ numPendingTests: 1, numTodoTests: 2 }), counts: { passed: 0, failed: 0, skipped: 3 } },
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
  test('one that outlives its parent is found by its run, and ended', async () => {
    const runId = `test-${process.pid}-${Date.now()}`;
    const ours = await startGrandchild({ [RUN_MARKER]: runId });
    const another = await startGrandchild({ [RUN_MARKER]: `${runId}0` });
    onTestFinished(() => endProcesses([{ pid: ours, command: '' }, { pid: another, command: '' }]));

    const left = await leftBehind(runId, 0);
    expect(left).toMatchObject([{ pid: ours, command: expect.stringContaining('setInterval') }]);

    endProcesses(left);
    expect(await leftBehind(runId)).toEqual([]);
  });
});

/** Starts a process whose parent is gone when this returns. */
async function startGrandchild(marker: Record<string, string>): Promise<number> {
  const script = `
    const child = require('node:child_process').spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { detached: true, stdio: 'ignore' });
    child.unref();
    console.log(child.pid);`;
  const parent = spawn(process.execPath, ['-e', script], { env: { ...process.env, ...marker }, stdio: ['ignore', 'pipe', 'inherit'] });
  const closed = once(parent, 'close');
  const [pid] = await once(parent.stdout, 'data');
  await closed;
  return Number(String(pid));
}

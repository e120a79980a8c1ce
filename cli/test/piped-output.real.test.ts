import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { until } from '../../test/support/until.ts';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const STEPS = 40;
/** What a pipe holds before anybody reads. */
const PIPE_BYTES = 65_536;

test('a reader that is slow gets all of the output', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sagafleet-render-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  for (let at = 0; at < STEPS; at++) {
    writeFileSync(
      join(folder, `step-${at}.yaml`),
      `apiVersion: sagafleet.dev/v1alpha1
kind: SagaStep
metadata: {name: step-${at}}
spec:
  consumes: [{topic: in_${at}}]
  outcomes: {done: {emit: [{topic: out_${at}}]}}
`,
    );
  }
  const render = spawn(process.execPath, ['-C', 'source', MAIN, 'render', folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => {
    render.once('exit', resolve);
  });
  render.stdout.pause();
  await until('the pipe to be full', () => render.stdout.readableLength >= render.stdout.readableHighWaterMark || render.exitCode !== null);
  let text = '';
  for await (const chunk of render.stdout) text += String(chunk);
  expect(await ended).toBe(0);
  expect(text.length).toBeGreaterThan(2 * PIPE_BYTES);
  expect(text).toContain(`step-${STEPS - 1}`);
  expect(text.match(/^kind: Deployment$/gm)).toHaveLength(STEPS);
});

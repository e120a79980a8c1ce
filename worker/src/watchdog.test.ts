import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';

const WATCHDOG = new URL('./watchdog.ts', import.meta.url).href;

/** How a process ends that watches itself and then does this. */
async function endOf(work: string): Promise<{ code: number | null; signal: string | null; output: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'watchdog-'));
  const program = join(folder, 'program.mjs');
  writeFileSync(
    program,
    `import { startWatchdog } from ${JSON.stringify(WATCHDOG)}; startWatchdog(1_500); setTimeout(() => { ${work} }, 500);`,
  );
  const child = spawn(process.execPath, ['-C', 'source', program], { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true });
  });
  let output = '';
  child.stderr.on('data', (text) => {
    output += String(text);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  return { code, signal, output };
}

test('a process whose event loop is blocked is ended, and says so', async () => {
  expect(await endOf('for (;;);')).toEqual({
    code: null,
    signal: 'SIGKILL',
    output: expect.stringContaining('event loop blocked') as string,
  });
}, 20_000);

test('one that only waits is not', async () => {
  expect(await endOf('setTimeout(() => process.exit(0), 3_500);')).toEqual({ code: 0, signal: null, output: '' });
}, 20_000);

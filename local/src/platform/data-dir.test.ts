import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openDataDir } from './data-dir.ts';

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sagafleet-data-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

test('a folder of the user is kept, and made if it is not there', async () => {
  const path = join(makeFolder(), 'a/b');
  const dir = await openDataDir(path);
  writeFileSync(join(dir.path, 'kept'), '');
  await dir.release();
  expect(existsSync(join(path, 'kept'))).toBe(true);
});

test('one folder is for one run at a time', async () => {
  const path = makeFolder();
  const dir = await openDataDir(path);
  await expect(openDataDir(`${path}/.`)).rejects.toMatchObject({ code: 'data-in-use', message: expect.stringContaining('--data') });
  await dir.release();
  await (await openDataDir(path)).release();
});

test('a fresh folder is removed', async () => {
  const dir = await openDataDir();
  writeFileSync(join(dir.path, 'log'), '');
  await dir.release();
  expect(existsSync(dir.path)).toBe(false);
});

test('fresh folders of runs that ended without removing them are removed, others stay', async () => {
  const living = await openDataDir();
  const left = join(dirname(living.path), 'sagafleet-run-000000000000');
  mkdirSync(join(left, 'kafka-1'), { recursive: true });
  const next = await openDataDir();
  expect(existsSync(left)).toBe(false);
  expect(existsSync(living.path)).toBe(true);
  await next.release();
  await living.release();
});

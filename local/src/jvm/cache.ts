import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { Environment } from '../environment.ts';

/** SAGAFLEET_CACHE, else `sagafleet` in the user's cache folder. */
export function defaultCacheDir(env: Environment): string {
  return env['SAGAFLEET_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache'), 'sagafleet');
}

/**
 * Path of the folder `name` in the cache, filled by `fill` unless it is there. It appears whole or not at all: of two
 * runs that fill it at the same time the first one counts, and an interrupted one is thrown away by the next.
 */
export async function cached(cacheDir: string, name: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const folder = join(cacheDir, name);
  if (existsSync(folder)) return folder;
  await mkdir(cacheDir, { recursive: true });
  await removeInterrupted(cacheDir, name);
  const unfinished = await mkdtemp(join(cacheDir, `${unfinishedPrefix(name)}${process.pid}-`));
  try {
    await fill(unfinished);
    await rename(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** Short name of a version of something: what its content hashes to. */
export function hashOf(...contents: string[]): string {
  const hash = createHash('sha256');
  for (const content of contents) hash.update(content).update('\0');
  return hash.digest('hex').slice(0, 12);
}

async function removeInterrupted(cacheDir: string, name: string): Promise<void> {
  for (const entry of await readdir(cacheDir)) {
    if (!entry.startsWith(unfinishedPrefix(name))) continue;
    const pid = Number.parseInt(entry.slice(unfinishedPrefix(name).length), 10);
    if (!isAlive(pid)) await rm(join(cacheDir, entry), { recursive: true, force: true });
  }
}

function unfinishedPrefix(name: string): string {
  return `.${name}.unfinished-`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

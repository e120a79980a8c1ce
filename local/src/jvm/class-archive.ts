import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { cached, hashOf } from './cache.ts';
import type { FetchContext } from './fetch.ts';

/** How long Java may take to write an archive when it ends. */
export const ARCHIVE_GRACE_MS = 60_000;

/** A folder for one start that is thrown away, and the JVM options with which that start writes an archive. */
export interface TrialRun {
  folder: string;
  jvmOptions: string[];
}

/**
 * The JVM options that let a server start with its classes already parsed (class data sharing), which halves the time
 * it needs. The classes are recorded in one trial run for each server and Java; if that fails, starts are slow but work.
 * @param files the folder whose name tells the version of the server
 * @param run starts and orderly stops the server
 */
export async function sharedClasses(context: FetchContext, files: string, run: (trial: TrialRun) => Promise<void>): Promise<string[]> {
  const { java, cacheDir, onProgress } = context;
  const title = basename(files).split('-')[0];
  try {
    const folder = await cached(cacheDir, `classes-${basename(files)}-${hashOf(java.home, java.version)}`, async (unfinished) => {
      onProgress(`recording the classes of ${title} for quick starts (once)`);
      const trial = join(unfinished, 'trial');
      mkdirSync(trial);
      const archive = join(unfinished, 'classes.jsa');
      await run({ folder: trial, jvmOptions: [`-XX:ArchiveClassesAtExit=${archive}`] });
      if (!existsSync(archive)) throw new Error('Java wrote no archive');
      rmSync(trial, { recursive: true });
    });
    // Verified, since a damaged archive would crash Java; one that is not whole or not of this Java it ignores anyway
    return [`-XX:SharedArchiveFile=${join(folder, 'classes.jsa')}`, '-XX:+VerifySharedSpaces'];
  } catch (error) {
    onProgress(`starts of ${title} stay slow: ${String(error)}`);
    return [];
  }
}

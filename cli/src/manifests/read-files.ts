import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Diagnostic } from './diagnostic.ts';

/** An API server takes objects of up to 1.5 MiB; a file of manifests is far smaller. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

export interface ManifestFile {
  file: string;
  text: string;
}
export interface ReadFiles {
  files: ManifestFile[];
  diagnostics: Diagnostic[];
}

/** Texts of files, and of the *.yaml and *.yml files right in folders, sorted by name. */
export async function readManifestFiles(paths: readonly string[], cwd: string): Promise<ReadFiles> {
  const read: ReadFiles = { files: [], diagnostics: [] };
  const refuse = (file: string, message: string): void => {
    read.diagnostics.push({ severity: 'error', file, place: null, path: null, message });
  };
  for (const path of paths) {
    try {
      for (const file of await filesOf(path, cwd)) await readInto(read, file, cwd, refuse);
    } catch (error) {
      refuse(path, reasonOf(error));
    }
  }
  return read;
}

async function filesOf(path: string, cwd: string): Promise<string[]> {
  const found = await stat(resolve(cwd, path));
  if (!found.isDirectory()) return [path];
  const names = (await readdir(resolve(cwd, path))).filter((name) => /\.ya?ml$/.test(name)).sort();
  if (names.length === 0) throw new Error('holds no *.yaml or *.yml file');
  return names.map((name) => join(path, name));
}

async function readInto(read: ReadFiles, file: string, cwd: string, refuse: (file: string, message: string) => void): Promise<void> {
  try {
    const full = resolve(cwd, file);
    const { size } = await stat(full);
    if (size > MAX_FILE_BYTES) {
      return refuse(
        file,
        `is ${(size / 1024 / 1024).toFixed(1)} MiB large, a file of manifests may have ${MAX_FILE_BYTES / 1024 / 1024} MiB`,
      );
    }
    const text = decoded(await readFile(full));
    if (text === null) return refuse(file, 'is not UTF-8 text: save it as UTF-8');
    read.files.push({ file, text });
  } catch (error) {
    refuse(file, reasonOf(error));
  }
}

function decoded(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'cannot be read: permission denied',
};

/** Why a file or folder cannot be read, to stand behind its name. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return 'code' in error ? (REASONS[String(error.code)] ?? `cannot be read: ${error.message}`) : error.message;
}

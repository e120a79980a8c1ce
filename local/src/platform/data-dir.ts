import { randomBytes } from 'node:crypto';
import { mkdirSync, realpathSync, readdirSync, rmSync } from 'node:fs';
import { type Server, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { LocalError } from '../errors.ts';
import { hashOf } from '../jvm/cache.ts';

const FRESH_PREFIX = 'sagafleet-run-';
const CLAIM_NAME = /^sagafleet-[0-9a-f]{12}\.sock$/;

/** A folder that one run has for itself. */
export interface DataDir {
  path: string;
  /** Lets go of it; what a run without a folder of its own was given is removed. */
  release: () => Promise<void>;
}

/**
 * Takes the folder `path`, or a fresh one that lasts as long as the run. Fresh ones that killed runs left are removed.
 * @throws LocalError data-in-use if another run lives in it
 */
export async function openDataDir(path?: string): Promise<DataDir> {
  await removeLeftovers(realpathSync(tmpdir()));
  return path === undefined ? openFresh() : openKept(path);
}

async function openKept(path: string): Promise<DataDir> {
  mkdirSync(path, { recursive: true });
  const folder = realpathSync(path);
  const claim = await claimFolder(folder);
  if (!claim) {
    throw new LocalError('data-in-use', `${resolve(path)} is in use by another run; stop that one or name another folder with --data`);
  }
  return { path: folder, release: () => giveUp(claim) };
}

async function openFresh(): Promise<DataDir> {
  const parent = realpathSync(tmpdir());
  const path = join(parent, `${FRESH_PREFIX}${randomBytes(6).toString('hex')}`);
  const claim = await claimFolder(path);
  if (!claim) throw new LocalError('data-in-use', `${path} is in use by another run`);
  mkdirSync(path, { mode: 0o700 });
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', remove);
  return {
    path,
    release: async () => {
      process.off('exit', remove);
      remove();
      await giveUp(claim);
    },
  };
}

async function removeLeftovers(parent: string): Promise<void> {
  for (const entry of readdirSync(parent)) {
    const path = join(parent, entry);
    if (CLAIM_NAME.test(entry) && !(await isHeld(path))) rmSync(path, { force: true });
    if (!entry.startsWith(FRESH_PREFIX)) continue;
    const claim = await claimFolder(path);
    if (!claim) continue;
    rmSync(path, { recursive: true, force: true });
    await giveUp(claim);
  }
}

/**
 * Marks a folder as taken for as long as this process lives, by a socket that listens. A file with a process id
 * would outlive its run, and the id could by then be that of any other process; a socket is silent once its process is
 * gone. Two runs that find the same silent socket at once may both pass: the brokers' own locks then stop the second.
 */
async function claimFolder(folder: string): Promise<Server | undefined> {
  // Not in the folder: the path of a socket is limited to about 100 bytes
  const path = join(realpathSync(tmpdir()), `sagafleet-${hashOf(folder)}.sock`);
  const server = await listenOn(path);
  if (server || (await isHeld(path))) return server;
  rmSync(path, { force: true });
  return listenOn(path);
}

function listenOn(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen(path, () => resolve(server));
  });
}

/** Held unless it is sure that nobody listens: a socket of another user may refuse to tell. */
function isHeld(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code !== 'ECONNREFUSED' && error.code !== 'ENOENT'));
  });
}

function giveUp(claim: Server): Promise<void> {
  return new Promise((resolve) => claim.close(() => resolve()));
}

import { spawn } from 'node:child_process';

/** All the time, or half of it: `BEAT_MS` of every two. Until the run is over, also where it was killed. */
const BEAT_MS = 25;
const WHOLE = 'const parent = process.ppid; while (process.ppid === parent);';
const HALF = `
const parent = process.ppid;
setInterval(() => {
  if (process.ppid !== parent) process.exit();
  for (const end = performance.now() + ${BEAT_MS}; performance.now() < end;);
}, ${2 * BEAT_MS});`;

/** Keeps as many processors busy until the returned function is called. */
export function loadProcessors(count: number, share: 'half' | 'whole'): () => void {
  const program = share === 'half' ? HALF : WHOLE;
  const busy = Array.from({ length: count }, () => spawn(process.execPath, ['-e', program], { stdio: 'ignore' }));
  return () => {
    for (const child of busy) child.kill('SIGKILL');
  };
}

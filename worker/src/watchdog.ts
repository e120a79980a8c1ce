/**
 * Ends a process whose event loop is blocked: it can neither answer probes nor send heartbeats, and
 * its tasks have long moved on. A second thread watches a counter that the event loop moves.
 */
import { Worker as Thread } from 'node:worker_threads';

const TICK_MS = 1_000;
const BLOCKED_AFTER_MS = 60_000;

const WATCH = `
  const { workerData: { ticks, tickMs, blockedAfterMs, pid } } = require('node:worker_threads');
  let last = -1, since = 0, checkedAt = performance.now();
  setInterval(() => {
    const now = performance.now(), frozen = now - checkedAt > 5 * tickMs, tick = Atomics.load(ticks, 0);
    checkedAt = now;
    // A process that was stopped and goes on was not blocked
    if (tick !== last || frozen) { last = tick; since = now; return; }
    if (now - since < blockedAfterMs) return;
    process._rawDebug(JSON.stringify({ level: 'fatal', msg: 'event loop blocked', forMs: Math.round(now - since) }));
    process.kill(pid, 'SIGKILL');
  }, tickMs);
`;

export function startWatchdog(blockedAfterMs = BLOCKED_AFTER_MS): void {
  const ticks = new Int32Array(new SharedArrayBuffer(4));
  setInterval(() => Atomics.add(ticks, 0, 1), TICK_MS).unref();
  const thread = new Thread(WATCH, { eval: true, workerData: { ticks, tickMs: TICK_MS, blockedAfterMs, pid: process.pid } });
  thread.unref();
}

/**
 * Loaded into a worker before its program: on SIGUSR2 it writes a line of JSON that says what is left when all garbage
 * is collected. JavaScript, since a compiler of TypeScript would be part of what is measured.
 */
import { Socket } from 'node:net';
import { queryObjects } from 'node:v8';
import { isMainThread } from 'node:worker_threads';

// The watchdog's thread loads it too
if (isMainThread) {
  const { BatchProducer } = await import('@sagafleet/kafka');
  const timer = setTimeout(() => {}, 0);
  const Timeout = timer.constructor;
  clearTimeout(timer);

  process.on('SIGUSR2', () => {
    // Counting collects all garbage first
    const counts = { liveSockets: queryObjects(Socket), liveTimers: queryObjects(Timeout), liveProducers: queryObjects(BatchProducer) };
    const { rss, heapUsed, external } = process.memoryUsage();
    const activeHandles = process.getActiveResourcesInfo().length;
    process.stdout.write(`${JSON.stringify({ inside: { rss, heapUsed, external, activeHandles, ...counts } })}\n`);
  });
}

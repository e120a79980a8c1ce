import { readFileSync } from 'node:fs';
import { readConfig } from './config.ts';
import { messageOf } from './errors.ts';
import { createLog } from './log.ts';
import { startWatchdog } from './watchdog.ts';
import { Worker } from './worker.ts';

const EXIT_FAILED = 1;
const LEAVE_DEADLINE_MS = 2_000;

const log = createLog('info');

async function main(): Promise<void> {
  const config = readConfig(process.env, (path) => readFileSync(path, 'utf8'));
  log.level = config.logLevel;
  const worker = new Worker(config, log);
  startWatchdog();
  const stopped = stopOnSignal(worker);
  try {
    await Promise.race([worker.start().then(() => stopped), worker.failed, stopped]);
  } catch (error) {
    // Leaving the group lets others take over at once, and lets its offsets be set
    await Promise.race([
      worker.stop().catch(() => undefined),
      new Promise((resolve) => {
        setTimeout(resolve, LEAVE_DEADLINE_MS);
      }),
    ]);
    throw error;
  }
}

/** The first signal drains; a second one ends the process at once, which is safe: the next owner fences it. */
function stopOnSignal(worker: Worker): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let isStopping = false;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(EXIT_FAILED);
      isStopping = true;
      log.info({ signal }, 'stopping');
      worker.stop().then(resolve, reject);
    });
  }
  return promise;
}

main().then(
  () => {
    log.info('stopped');
    process.exit(0);
  },
  (error: unknown) => {
    log.fatal({ reason: messageOf(error) }, 'ended');
    process.exit(EXIT_FAILED);
  },
);

import { startSession, type Session, type SessionOptions } from '@sagafleet/local';
import type { SagaStep } from '@sagafleet/schemas';
import type { Io } from '../terminal/io.ts';
import { formatLogLine } from '../terminal/log-line.ts';
import { stopSignal } from '../terminal/stop-signal.ts';
import type { Progress } from '../terminal/terminal.ts';

export interface SessionScreen {
  io: Io;
  progress: Progress;
  /** Workers' log lines from this level on are shown. */
  logLevel: string;
  /** Stands before what is told of a step. */
  prefix(step: string): string;
}

/**
 * Starts a session, does the work and stops it again, however the work ends. `stopped` resolves when
 * the user wants it to end and rejects when Kafka or the registry died. Undefined where it was stopped
 * before it had started.
 */
export async function runSession<T>(
  steps: readonly SagaStep[],
  options: SessionOptions,
  { io, progress, logLevel, prefix }: SessionScreen,
  work: (session: Session, stopped: Promise<undefined>) => Promise<T>,
): Promise<T | undefined> {
  const stopping = stopSignal();
  const crash = Promise.withResolvers<never>();
  const stopped = Promise.race([stopping, crash.promise]);
  stopped.catch(() => undefined);
  const starting = startSession(steps, options, {
    env: io.env,
    reporter: {
      progress: (text) => progress.show(text),
      notice: (step, text) => progress.line(prefix(step) + text),
      crashed: crash.reject,
      logLine: ({ step }, line) => {
        const text = formatLogLine(line, logLevel);
        if (text) progress.line(prefix(step) + text);
      },
    },
  });
  const session = await Promise.race([starting, stopping]);
  if (!session) return undefined;
  try {
    progress.show('waiting for the workers');
    return await work(session, stopped);
  } finally {
    progress.show('stopping');
    await session.stop();
    progress.end();
  }
}

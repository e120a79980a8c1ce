import { pino, type Logger } from 'pino';

/** One line per outcome; a constant message and fields, never a payload or a secret. */
export type Log = Logger;

export function createLog(level: string): Log {
  return pino({
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

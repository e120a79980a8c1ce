import type { LogEntry, logCreator, logLevel } from 'kafkajs';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where kafkajs' lines go; `fields` never hold record contents. */
export type Log = (level: LogLevel, message: string, fields: Record<string, unknown>) => void;

/** kafkajs' numbers for its levels. */
const LEVELS: Record<logLevel, LogLevel> = { 0: 'debug', 1: 'error', 2: 'warn', 4: 'info', 5: 'debug' };

/**
 * Lines that kafkajs writes as errors or warnings and that ask nothing of anyone. A `Response` or
 * `Connection` line comes with every failure, also where the request is sent again; if it is not, the
 * caller gets the error. The advice to retry for ever is not followed: a producer that failed is
 * thrown away.
 */
const EXPECTED = [
  /^Response /,
  /^Connection (error|timeout)/,
  /^Limiting retries for the idempotent producer/,
  /switched default partitioner/,
  /^The group is rebalancing/,
];

/** A broker that is away makes several lines a second; one is enough for a while. */
const REPEAT_MS = 30_000;

/**
 * Hands kafkajs' log lines to `log`: the expected ones as `debug`; one about a retry as a warning at
 * most, and as `debug` while the same was said less than 30 s ago.
 */
export function bridgeLog(log: Log, now: () => number = Date.now): logCreator {
  const saidAt = new Map<string, number>();
  const isRepeated = (message: string) => {
    const isRecent = now() - (saidAt.get(message) ?? -Infinity) < REPEAT_MS;
    if (!isRecent) saidAt.set(message, now());
    return isRecent;
  };
  return () => (entry) => log(levelOf(entry, isRepeated), entry.log.message, fieldsOf(entry));
}

function levelOf({ level, log }: LogEntry, isRepeated: (message: string) => boolean): LogLevel {
  if (EXPECTED.some((expected) => expected.test(log.message))) return 'debug';
  if (LEVELS[level] !== 'error' || !('retryCount' in log)) return LEVELS[level];
  return isRepeated(log.message) ? 'debug' : 'warn';
}

function fieldsOf({ namespace, log }: LogEntry): Record<string, unknown> {
  const { message: _message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = log;
  return namespace ? { ...fields, component: namespace } : fields;
}

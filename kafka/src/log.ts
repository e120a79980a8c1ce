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
];

/** Hands kafkajs' log lines to `log`: the expected ones as `debug`, one about a retry as a warning at most. */
export function bridgeLog(log: Log): logCreator {
  return () => (entry) => log(levelOf(entry), entry.log.message, fieldsOf(entry));
}

function levelOf({ level, log }: LogEntry): LogLevel {
  if (EXPECTED.some((expected) => expected.test(log.message))) return 'debug';
  const ours = LEVELS[level];
  return ours === 'error' && 'retryCount' in log ? 'warn' : ours;
}

function fieldsOf({ namespace, log }: LogEntry): Record<string, unknown> {
  const { message: _message, timestamp: _timestamp, logger: _logger, stack: _stack, ...fields } = log;
  return namespace ? { ...fields, component: namespace } : fields;
}

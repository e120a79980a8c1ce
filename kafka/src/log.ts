import type { LogEntry, logCreator, logLevel } from 'kafkajs';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** Where kafkajs' lines go; `fields` never hold record contents. */
export type Log = (level: LogLevel, message: string, fields: Record<string, unknown>) => void;

/** kafkajs' numbers for its levels. */
const LEVELS: Record<logLevel, LogLevel> = { 0: 'debug', 1: 'error', 2: 'warn', 4: 'info', 5: 'debug' };

/**
 * Lines that kafkajs writes as errors or warnings and that ask nothing of anyone. A `Response` line
 * comes with every error answer, also where the request is sent again; if it is not, the caller gets
 * the error. The advice to retry for ever is not followed: a producer that failed is thrown away.
 */
const EXPECTED = [
  /^Response /,
  /^Limiting retries for the idempotent producer/,
  /switched default partitioner/,
];

/** Hands kafkajs' log lines to `log`, the expected ones as `debug`. */
export function bridgeLog(log: Log): logCreator {
  return () => entry => log(levelOf(entry), entry.log.message, fieldsOf(entry));
}

function levelOf({ level, log }: LogEntry): LogLevel {
  return EXPECTED.some(expected => expected.test(log.message)) ? 'debug' : LEVELS[level];
}

function fieldsOf({ namespace, log }: LogEntry): Record<string, unknown> {
  const { message: _message, timestamp: _timestamp, logger: _logger, ...fields } = log;
  return namespace ? { ...fields, component: namespace } : fields;
}

import { expect, test } from 'vitest';
import { bridgeLog, type Log } from './log.ts';

const [ERROR, WARN, INFO] = [1, 2, 4];

interface Case {
  level: number;
  log: { message: string } & Record<string, unknown>;
  expected: string;
}

const CASES: Record<string, Case> = {
  'an error answer that is tried again or thrown': {
    level: ERROR!,
    log: { message: 'Response AddPartitionsToTxn(key: 24, version: 1)', error: 'busy' },
    expected: 'debug',
  },
  'a lost connection, reported by what used it': {
    level: ERROR!,
    log: { message: 'Connection error: read ECONNRESET' },
    expected: 'debug',
  },
  'advice that is not followed': {
    level: WARN!,
    log: { message: 'KafkaJS v2.0.0 switched default partitioner. To retain' },
    expected: 'debug',
  },
  'a failure that is tried again': {
    level: ERROR!,
    log: { message: 'Failed to send messages', retryCount: 0 },
    expected: 'warn',
  },
  'a failure for good': { level: ERROR!, log: { message: 'Crash: KafkaJSError' }, expected: 'error' },
  'an event': { level: INFO!, log: { message: 'Consumer has joined the group' }, expected: 'info' },
};

test.each(Object.entries(CASES))('%s', (_sentence, { level, log, expected }) => {
  const lines: Parameters<Log>[] = [];
  const write = bridgeLog((...line) => lines.push(line))(level);
  write({ namespace: 'Test', level, label: '', log: { timestamp: 'now', logger: 'kafkajs', stack: 'at', ...log } });
  const { message, ...fields } = log;
  expect(lines).toEqual([[expected, message, { component: 'Test', ...fields }]]);
});

test('a retry is told once in 30 s', () => {
  const levels: string[] = [];
  let nowMs = 0;
  const write = bridgeLog(
    (level) => levels.push(level),
    () => nowMs,
  )(ERROR!);
  const say = (message: string) =>
    write({
      namespace: 'Test',
      level: ERROR!,
      label: '',
      log: { timestamp: 'now', logger: 'kafkajs', message, retryCount: 3 },
    });
  say('no broker');
  say('no broker');
  say('no leader');
  nowMs = 30_000;
  say('no broker');
  expect(levels).toEqual(['warn', 'debug', 'warn', 'warn']);
});

import { expect, test } from 'vitest';
import { formatLogLine } from './log-line.ts';

const LINE = '{"level":"warn","time":"2026-01-01T00:00:00Z","task":2,"reason":"no broker","msg":"waiting"}';

test('a line of JSON becomes level, message and fields', () => {
  expect(formatLogLine(LINE, 'warn')).toBe('warn waiting task=2 reason=no broker');
});

test('lines below the level are left out', () => {
  expect(formatLogLine(LINE, 'error')).toBeNull();
});

test('what is no JSON is shown as it is', () => {
  expect(formatLogLine('Error: cannot find module', 'error')).toBe('Error: cannot find module');
});

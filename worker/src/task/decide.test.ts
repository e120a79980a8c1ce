import { RegistryError } from '@sagafleet/registry';
import type { Consequence } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { ListedBatch } from '../../test/support/listed-batch.ts';
import { RefusedBatch } from '../driver.ts';
import { WorkerError, type WorkerErrorCode } from '../errors.ts';
import { decide, type Activity, type Decision } from './decide.ts';

const error = (consequence: Consequence, code: WorkerErrorCode = 'unexpected') => new WorkerError(code, consequence, 'x');
const withoutClass = new TypeError('x is not a function');
const refused = new RefusedBatch('output-too-large', { topic: 'out', partition: 0, records: new ListedBatch() }, { cause: withoutClass });

const CASES: Record<string, { during: Activity; error: unknown; attempt?: number; decision: Decision }> = {
  'a record that fails each time is a dead letter': { during: 'record', error: error('permanent'), decision: { next: 'dead-letter' } },
  'however often': { during: 'record', error: error('permanent'), attempt: 99, decision: { next: 'dead-letter' } },
  'what all records need is waited for': { during: 'record', error: error('systemic'), decision: { next: 'wait', ms: 50 } },
  'longer each time': { during: 'record', error: error('systemic'), attempt: 2, decision: { next: 'wait', ms: 200 } },
  'up to two seconds': {
    during: 'record',
    error: new RegistryError('unreachable', 'x'),
    attempt: 99,
    decision: { next: 'wait', ms: 2_000 },
  },
  "an error that nobody expected is no record's fault": {
    during: 'record',
    error: withoutClass,
    decision: { next: 'restart-task', ms: 50 },
  },
  'nor is one that may not come again': {
    during: 'record',
    error: error('transient'),
    attempt: 1,
    decision: { next: 'restart-task', ms: 100 },
  },
  'the third time in a row the process is at fault': { during: 'record', error: withoutClass, attempt: 2, decision: { next: 'exit' } },
  'also once the record is known': { during: 'task', error: error('transient', 'defect'), attempt: 2, decision: { next: 'exit' } },
  'a defect is another try of the task at first': {
    during: 'task',
    error: error('transient', 'defect'),
    decision: { next: 'restart-task', ms: 50 },
  },
  'between begin and commit the outcome is unknown': {
    during: 'task',
    error: withoutClass,
    attempt: 99,
    decision: { next: 'restart-task', ms: 2_000 },
  },
  'also where the error says that it is permanent': {
    during: 'task',
    error: error('permanent'),
    decision: { next: 'restart-task', ms: 50 },
  },
  'a refused batch is sent in another form at once': {
    during: 'task',
    error: refused,
    attempt: 9,
    decision: { next: 'restart-task', ms: 0 },
  },
  'what only an administrator can end is rarely tried': {
    during: 'task',
    error: error('systemic', 'hung-transaction'),
    decision: { next: 'restart-task', ms: 30_000 },
  },
  'a process that starts waits for what it needs': {
    during: 'start',
    error: withoutClass,
    attempt: 1,
    decision: { next: 'wait', ms: 100 },
  },
  'but not for what no waiting helps against': { during: 'start', error: error('fatal'), decision: { next: 'exit' } },
  'fatal ends the process wherever it comes from: a record': { during: 'record', error: error('fatal'), decision: { next: 'exit' } },
  'a task': { during: 'task', error: error('fatal'), decision: { next: 'exit' } },
};

test.each(Object.entries(CASES))('%s', (_sentence, { during, error: cause, attempt = 0, decision }) => {
  expect(decide({ error: cause, during }, attempt, { random: () => 0.5 })).toEqual(decision);
});

test('a failure is the first of its kind, and by no chance, where nothing else is said', () => {
  expect(decide({ error: withoutClass, during: 'task' })).toEqual({ next: 'restart-task', ms: 50 });
});

import { describe, expect, test } from 'vitest';
import type { FetchedBatch } from '../driver.ts';
import { Intake, type InputReader } from './intake.ts';
import { HandOffQueue, QueueMemory } from './queue.ts';

function batch(bytes: number): FetchedBatch {
  const record = { topic: 'in', partition: 3, offset: '0', timestamp: '0', key: null, value: null, headers: [] };
  return { topic: 'in', partition: 3, bytes, nextOffset: 1n, records: [record] };
}

/** Of task 3, whose queue is high above 100 bytes and low below 10. */
function intakeOf(...topics: string[]) {
  const calls: string[] = [];
  const told = (call: string) => (those: readonly string[], task: number) => {
    calls.push(`${call} ${those.join(' ')} of ${task}`);
  };
  const reader: InputReader = {
    seek: (topic, task, offset) => {
      calls.push(`seek ${topic} of ${task} to ${offset}`);
    },
    pause: told('pause'),
    resume: told('resume'),
    release: told('release'),
  };
  const memory = new QueueMemory(0);
  const roomy = new QueueMemory(10_000);
  const intake = (of: QueueMemory) => new Intake({ topics, number: 3 }, reader, new HandOffQueue({ highBytes: 100, lowBytes: 10 }, of));
  return { intake: intake(roomy), inFullMemory: intake(memory), memory, calls };
}

describe('the intake of a task', () => {
  test('begins each topic at its position, and only then reads them', () => {
    const { intake, calls } = intakeOf('in', 'more');
    intake.open(
      new Map([
        ['in', 4n],
        ['more', 7n],
      ]),
    );
    expect(calls).toEqual(['seek in of 3 to 4', 'seek more of 3 to 7', 'resume in more of 3']);
  });

  test('pauses once while much is queued, and resumes once when little is', () => {
    const { intake, calls } = intakeOf('in');
    intake.open(new Map());
    intake.offer(batch(100));
    expect(calls).toEqual(['resume in of 3']);
    intake.offer(batch(50));
    intake.offer(batch(5));
    expect(calls).toEqual(['resume in of 3', 'pause in of 3']);
    intake.take(1).done(1);
    expect(calls).toHaveLength(2);
    intake.take(1).done(1);
    expect(intake.isEmpty).toBe(false);
    intake.take(1).done(1);
    expect([calls, intake.isEmpty]).toEqual([['resume in of 3', 'pause in of 3', 'resume in of 3'], true]);
    intake.take(1);
    expect(calls).toHaveLength(3);
  });

  test('passes over what was deleted: nothing is held for it, and the position is queued', () => {
    const { inFullMemory: intake, memory, calls } = intakeOf('in', 'more');
    intake.skipTo('more', 9n);
    expect([calls, memory.isFull]).toEqual([['seek more of 3 to 9'], false]);
    expect([...intake.take(1).done(0)]).toEqual([['more', 9n]]);
  });

  test.each(['close', 'release'] as const)('drops what is queued on %s', (how) => {
    const { inFullMemory: intake, memory, calls } = intakeOf('in');
    intake.offer(batch(10));
    expect(memory.isFull).toBe(true);
    intake[how]();
    expect([memory.isFull, intake.isEmpty, calls]).toEqual([false, true, [`${how === 'close' ? 'pause' : 'release'} in of 3`]]);
  });

  test('resumes after it was closed, once it begins again', () => {
    const { intake, calls } = intakeOf('in');
    intake.open(new Map());
    intake.close();
    intake.open(new Map([['in', 2n]]));
    intake.take(1);
    expect(calls.slice(1)).toEqual(['pause in of 3', 'seek in of 3 to 2', 'resume in of 3']);
  });

  test('wakes a task that waits for records, with or without one', async () => {
    const { intake } = intakeOf('in');
    const woken = intake.ready();
    intake.wake();
    await woken;
    const ready = intake.ready();
    intake.offer(batch(10));
    await ready;
  });
});

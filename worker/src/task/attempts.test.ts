import { decodeNote, encodeNote, type PositionNote as Note } from '@sagafleet/schemas';
import { describe, expect, test } from 'vitest';
import type { InputRecord } from '../driver.ts';
import { Attempts, type FoundNote } from './attempts.ts';

const recordsOf = (topic: string, from: number, count: number) => Array.from({ length: count }, (_, at): InputRecord => ({
  topic, partition: 0, offset: String(from + at), timestamp: '0', key: null, value: null, headers: [],
}));

const found = (note: string | null, changes: Partial<FoundNote> = {}): FoundNote => ({ topic: 'in', note: decodeNote(note), offset: 0n, endOffset: 1_000n, ...changes });
function attemptsAfter(note: string | null, isContinued = false, changes: Partial<FoundNote> = {}): Attempts {
  const attempts = new Attempts(100);
  attempts.begin([found(note, changes)], isContinued);
  return attempts;
}
const textsOf = (notes: ReadonlyMap<string, Note>) => Object.fromEntries([...notes].map(([topic, note]) => [topic, encodeNote(note)]));

describe('a note', () => {
  test.each(['attempt:1', 'attempt:3,records:1', 'stopped:0a1b2c3d4e5f'])('%s is read as it was written', (text) => {
    expect(encodeNote(decodeNote(text)!)).toBe(text);
  });

  test.each([null, '', 'attempt:', 'attempt:x', 'attempt:1,records:', 'stopped:', 'attempt:99999999999999999999', 'xattempt:1', 'attempt:1x'])('%s is none', (text) => {
    expect(decodeNote(text)).toBeNull();
  });
});

describe('where the owner before did not end', () => {
  test.each([[null, false], ['attempt:1', true]])('nothing is suspected, after the note %s', (note, isContinued) => {
    const attempts = attemptsAfter(note, isContinued);
    expect([attempts.hasSuspicion, attempts.limit(100)]).toEqual([false, 100]);
  });

  test('what it noted of a record that is suspected stays, and does not count once more', () => {
    const attempts = attemptsAfter('attempt:3,records:1', true);
    const [record] = recordsOf('in', 0, 1);
    expect([attempts.hasEndedWorkers(record!), attempts.limit(100)]).toEqual([false, 1]);
    expect(textsOf(attempts.toNote([record!]))).toEqual({});
  });

  test('the first batch is noted, those after it are not', () => {
    const attempts = attemptsAfter(null);
    const notes = attempts.toNote(recordsOf('in', 0, 5));
    expect(textsOf(notes)).toEqual({ in: 'attempt:1' });
    attempts.noted(notes);
    attempts.noted(new Map([['in', attempts.afterwards]]));
    attempts.processed(recordsOf('in', 0, 5), new Map([['in', 5n]]));
    expect(textsOf(attempts.toNote(recordsOf('in', 5, 9)))).toEqual({});
    expect(textsOf(attempts.toNote([...recordsOf('in', 14, 1), ...recordsOf('other', 0, 1)]))).toEqual({ other: 'attempt:1' });
  });
});

describe('where it ended', () => {
  test('in the middle of a batch of any size, as many are suspected as it may have held', () => {
    const attempts = attemptsAfter('attempt:1');
    expect(attempts.limit(8)).toBe(8);
    expect(textsOf(attempts.toNote(recordsOf('in', 0, 8)))).toEqual({ in: 'attempt:2,records:8' });
    attempts.processed(recordsOf('in', 0, 199), new Map([['in', 199n]]));
    expect(attempts.hasSuspicion).toBe(true);
    attempts.processed(recordsOf('in', 199, 1), new Map([['in', 200n]]));
    expect(attempts.hasSuspicion).toBe(false);
  });

  test('records that came later are not suspected', () => {
    const attempts = attemptsAfter('attempt:1', false, { endOffset: 3n });
    attempts.processed(recordsOf('in', 0, 2), new Map([['in', 2n]]));
    expect(attempts.hasSuspicion).toBe(true);
    attempts.processed(recordsOf('in', 2, 1), new Map([['in', 3n]]));
    expect(attempts.hasSuspicion).toBe(false);
    expect(attemptsAfter('attempt:1', false, { offset: 3n, endOffset: 3n }).hasSuspicion).toBe(false);
  });

  test('in the middle of a small batch, its records are taken one by one', () => {
    const attempts = attemptsAfter('attempt:2,records:2');
    expect(attempts.limit(100)).toBe(1);
    expect(textsOf(attempts.toNote(recordsOf('in', 0, 1)))).toEqual({ in: 'attempt:3,records:1' });
    attempts.processed(recordsOf('in', 0, 1), new Map([['in', 1n]]));
    expect(attempts.limit(100)).toBe(1);
    attempts.processed(recordsOf('in', 1, 1), new Map([['in', 2n]]));
    expect(attempts.limit(100)).toBe(100);
  });

  test('with one record alone for the last time that is allowed, that record is not processed, and the next ones are as ever', () => {
    const attempts = attemptsAfter('attempt:10,records:1');
    const [record, next] = recordsOf('in', 0, 2);
    expect([attempts.limit(100), attempts.hasEndedWorkers(record!)]).toEqual([1, true]);
    attempts.processed([record!], new Map([['in', 1n]]));
    expect([attempts.limit(100), attempts.hasEndedWorkers(next!)]).toEqual([100, false]);
  });

  test('records of other topics are not suspected for it', () => {
    const attempts = attemptsAfter('attempt:10,records:1');
    expect(attempts.hasEndedWorkers(recordsOf('other', 0, 1)[0]!)).toBe(false);
    attempts.processed(recordsOf('other', 0, 1), new Map([['other', 1n]]));
    expect(attempts.hasEndedWorkers(recordsOf('in', 0, 1)[0]!)).toBe(true);
  });

  test.each([['attempt:1', 'attempt:1'], ['attempt:2,records:4', 'attempt:2,records:1']])('after %s what all records wait for does not count: %s', (note, whileWaiting) => {
    expect(textsOf(attemptsAfter(note).toNoteWhileWaiting(recordsOf('in', 0, 1)))).toEqual({ in: whileWaiting });
  });
});

describe('a process that goes on', () => {
  const again = (attempts: Attempts, note: string | null, changes: Partial<FoundNote> = {}) => {
    attempts.begin([found(note, changes)], false);
    return textsOf(attempts.toNote(recordsOf('in', Number(changes.offset ?? 0n), 1)));
  };

  test('does not count its own notes, however often it loses the task over them', () => {
    const attempts = attemptsAfter('attempt:2,records:4');
    for (let nth = 0; nth < 5; nth++) {
      const notes = attempts.toNote(recordsOf('in', 0, 1));
      expect(textsOf(notes)).toEqual(nth === 0 ? { in: 'attempt:3,records:1' } : {});
      attempts.sent(notes);
      attempts.begin([found('attempt:3,records:1')], false);
    }
    expect(attempts.hasEndedWorkers(recordsOf('in', 0, 1)[0]!)).toBe(false);
  });

  test('suspects what it suspected before, also where its note was not committed', () => {
    const attempts = attemptsAfter('attempt:1');
    attempts.sent(attempts.toNote(recordsOf('in', 0, 1)));
    expect(again(attempts, 'attempt:1')).toEqual({ in: 'attempt:2,records:1' });
  });

  test('counts what another owner noted since', () => {
    const attempts = attemptsAfter('attempt:1');
    attempts.sent(attempts.toNote(recordsOf('in', 0, 1)));
    expect(again(attempts, 'attempt:3,records:1')).toEqual({ in: 'attempt:4,records:1' });
  });

  test('but kept its event loop for longer than sessions last counts as ended', () => {
    const attempts = attemptsAfter('attempt:2,records:1');
    attempts.sent(attempts.toNote(recordsOf('in', 0, 1)));
    attempts.kept(9_000);
    expect(again(attempts, 'attempt:3,records:1')).toEqual({ in: 'attempt:4,records:1' });
  });

  test('does not take the next record for the one whose dead letter it wrote without knowing', () => {
    const attempts = attemptsAfter('attempt:10,records:1');
    attempts.sent(new Map([['in', attempts.afterwards]]));
    attempts.begin([found('attempt:1', { offset: 1n })], false);
    expect([attempts.hasEndedWorkers(recordsOf('in', 1, 1)[0]!), attempts.hasSuspicion]).toEqual([false, false]);
  });
});

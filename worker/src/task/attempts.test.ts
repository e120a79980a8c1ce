import { decodeNote, encodeNote, type PositionNote as Note } from '@sagafleet/schemas';
import { describe, expect, test } from 'vitest';
import type { InputRecord } from '../driver.ts';
import { Attempts, type FoundNote } from './attempts.ts';

const recordsOf = (topic: string, from: number, count: number) =>
  Array.from({ length: count }, (_, at): InputRecord => ({
    topic,
    partition: 0,
    offset: String(from + at),
    timestamp: '0',
    key: null,
    value: null,
    headers: [],
  }));

const found = (note: string | null, changes: Partial<FoundNote> = {}): FoundNote => ({
  topic: 'in',
  note: decodeNote(note),
  offset: 0n,
  endOffset: 1_000n,
  ...changes,
});
function attemptsAfter(note: string | null, isContinued = false, changes: Partial<FoundNote> = {}): Attempts {
  const attempts = new Attempts(100);
  attempts.begin([found(note, changes)], isContinued);
  return attempts;
}
const textsOf = (notes: ReadonlyMap<string, Note>) => Object.fromEntries([...notes].map(([topic, note]) => [topic, encodeNote(note)]));

describe('a note', () => {
  test.each([
    'attempt:1',
    'attempt:3,records:1',
    'attempt:3,records:1,processed',
    'attempt:2,records:1,writes:7',
    'attempt:2,records:1,writes:7,processed',
    'stopped:0a1b2c3d4e5f',
  ])('%s is read as it was written', (text) => {
    expect(encodeNote(decodeNote(text)!)).toBe(text);
  });

  test.each([
    null,
    '',
    'attempt:',
    'attempt:x',
    'attempt:1,records:',
    'stopped:',
    'attempt:99999999999999999999',
    'xattempt:1',
    'attempt:1x',
    'attempt:1,writes:',
    'attempt:1,processed,writes:1',
  ])('%s is none', (text) => {
    expect(decodeNote(text)).toBeNull();
  });
});

describe('where the owner before did not end', () => {
  test.each([
    [null, false],
    ['attempt:1', true],
  ])('nothing is suspected, after the note %s', (note, isContinued) => {
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
  test('in the middle of a batch of any size, as many are suspected as it may have held, and the first is alone', () => {
    const attempts = attemptsAfter('attempt:1');
    expect([attempts.limit(8), attempts.isAlone, attempts.isAloneUntilWritten]).toEqual([1, true, false]);
    expect(textsOf(attempts.toNote(recordsOf('in', 0, 1)))).toEqual({ in: 'attempt:2,records:1' });
    attempts.processed(recordsOf('in', 0, 1), new Map([['in', 1n]]));
    expect([attempts.limit(8), attempts.isAlone]).toEqual([8, false]);
    expect(textsOf(attempts.toNote(recordsOf('in', 1, 8)))).toEqual({ in: 'attempt:2,records:8' });
    attempts.processed(recordsOf('in', 1, 198), new Map([['in', 199n]]));
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
    for (const at of [0, 1]) {
      expect(textsOf(attempts.toNote(recordsOf('in', at, 1)))).toEqual({ in: 'attempt:2,records:1' });
      expect([attempts.limit(100), attempts.hasEndedWorkers(recordsOf('in', at, 1)[0]!)]).toEqual([1, false]);
      attempts.noted(new Map([['in', attempts.afterwards]]));
      attempts.processed(recordsOf('in', at, 1), new Map([['in', BigInt(at + 1)]]));
    }
    expect(attempts.limit(100)).toBe(100);
  });

  test('with one record alone, that record is the next one too, and alone until it is written', () => {
    const attempts = attemptsAfter('attempt:2,records:1');
    expect([attempts.limit(100), attempts.isAloneUntilWritten, attempts.rank]).toEqual([1, true, 3]);
    expect(textsOf(attempts.toNote(recordsOf('in', 0, 1)))).toEqual({ in: 'attempt:3,records:1' });
    expect(textsOf(attempts.toNoteProcessed(recordsOf('in', 0, 1)))).toEqual({ in: 'attempt:3,records:1,processed' });
    attempts.processed(recordsOf('in', 0, 1), new Map([['in', 1n]]));
    expect([attempts.limit(100), attempts.hasSuspicion]).toEqual([100, false]);
  });

  test.each(['attempt:3,records:1', 'attempt:2,records:1,writes:19,processed'])(
    'after %s, the last time that is allowed, the record is not processed, and the next ones are as ever',
    (note) => {
      const attempts = attemptsAfter(note);
      const [record, next] = recordsOf('in', 0, 2);
      expect([attempts.limit(100), attempts.hasEndedWorkers(record!)]).toEqual([1, true]);
      attempts.processed([record!], new Map([['in', 1n]]));
      expect([attempts.limit(100), attempts.hasEndedWorkers(next!)]).toEqual([100, false]);
    },
  );

  test('while what was processed was written, it is no further attempt, and counts apart', () => {
    const attempts = attemptsAfter('attempt:3,records:1,processed');
    expect([attempts.hasEndedWorkers(recordsOf('in', 0, 1)[0]!), attempts.limit(100)]).toEqual([false, 1]);
    expect(textsOf(attempts.toNote(recordsOf('in', 0, 1)))).toEqual({ in: 'attempt:3,records:1,writes:1' });
    expect(textsOf(attemptsAfter('attempt:3,records:1,writes:1,processed').toNote(recordsOf('in', 0, 1)))).toEqual({
      in: 'attempt:3,records:1,writes:2',
    });
    const first = attemptsAfter('attempt:2,records:1,processed');
    expect([first.isAloneUntilWritten, first.rank]).toEqual([true, 3]);
    first.processed([], new Map([['in', 1n]]));
    expect(textsOf(first.toNote(recordsOf('in', 1, 1)))).toEqual({ in: 'attempt:2,records:1,writes:1' });
  });

  test('with one record that was not alone, it is alone the next time, and no further attempt', () => {
    const attempts = attemptsAfter('attempt:1');
    attempts.processed(recordsOf('in', 0, 1), new Map([['in', 1n]]));
    const notes = textsOf(attempts.toNote(recordsOf('in', 1, 1)));
    expect(notes).toEqual({ in: 'attempt:2,records:2' });
    expect(textsOf(attemptsAfter(notes['in']!).toNote(recordsOf('in', 1, 1)))).toEqual({ in: 'attempt:2,records:1' });
  });

  test('the count of writes ends with the record', () => {
    const attempts = attemptsAfter('attempt:2,records:1,writes:6,processed');
    attempts.processed(recordsOf('in', 0, 1), new Map([['in', 1n]]));
    expect(textsOf(attempts.toNote(recordsOf('in', 1, 2)))).toEqual({ in: 'attempt:2,records:2' });
  });

  test('records of other topics are not suspected for it', () => {
    const attempts = attemptsAfter('attempt:3,records:1');
    expect(attempts.hasEndedWorkers(recordsOf('other', 0, 1)[0]!)).toBe(false);
    attempts.processed(recordsOf('other', 0, 1), new Map([['other', 1n]]));
    expect(attempts.hasEndedWorkers(recordsOf('in', 0, 1)[0]!)).toBe(true);
  });

  test.each([
    ['attempt:1', 'attempt:1'],
    ['attempt:2,records:1', 'attempt:2,records:1'],
    ['attempt:3,records:1,processed', 'attempt:2,records:1,writes:1'],
  ])('after %s what all records wait for does not count: %s', (note, whileWaiting) => {
    expect(textsOf(attemptsAfter(note).toNoteWhileWaiting(recordsOf('in', 0, 1)))).toEqual({ in: whileWaiting });
  });
});

describe('a process that goes on', () => {
  const again = (attempts: Attempts, note: string | null, changes: Partial<FoundNote> = {}) => {
    attempts.begin([found(note, changes)], false);
    return textsOf(attempts.toNote(recordsOf('in', Number(changes.offset ?? 0n), 1)));
  };

  test('does not count its own notes, however often it loses the task over them', () => {
    const attempts = attemptsAfter('attempt:2,records:1');
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

  test('does not count that it lost the task while it wrote, nor does another owner that is there', () => {
    const attempts = attemptsAfter('attempt:2,records:1');
    attempts.sent(attempts.toNoteProcessed(recordsOf('in', 0, 1)));
    expect(again(attempts, 'attempt:3,records:1,processed')).toEqual({ in: 'attempt:3,records:1' });
    expect(textsOf(attemptsAfter('attempt:3,records:1,writes:7,processed', true).toNote(recordsOf('in', 0, 1)))).toEqual({
      in: 'attempt:3,records:1,writes:7',
    });
  });

  test('notes nothing as processed that kept its event loop for longer than sessions last', () => {
    const attempts = attemptsAfter('attempt:2,records:2');
    attempts.kept(2_999);
    expect(textsOf(attempts.toNoteProcessed(recordsOf('in', 0, 1)))).toEqual({ in: 'attempt:2,records:1,processed' });
    attempts.kept(3_000);
    expect(textsOf(attempts.toNoteProcessed(recordsOf('in', 0, 1)))).toEqual({});
    attempts.processed(recordsOf('in', 0, 1), new Map([['in', 1n]]));
    expect(textsOf(attempts.toNoteProcessed(recordsOf('in', 1, 1)))).toEqual({ in: 'attempt:2,records:1,processed' });
  });

  test('but kept its event loop for longer than sessions last counts as ended, once', () => {
    const attempts = attemptsAfter('attempt:1');
    attempts.sent(attempts.toNote(recordsOf('in', 0, 1)));
    attempts.kept(9_000);
    expect(again(attempts, 'attempt:2,records:1')).toEqual({ in: 'attempt:3,records:1' });
    attempts.sent(attempts.toNote(recordsOf('in', 0, 1)));
    expect(again(attempts, 'attempt:3,records:1')).toEqual({});
  });

  test('takes no note for its own that it did not come to write, once it began after it', () => {
    const attempts = attemptsAfter('attempt:1');
    attempts.sent(attempts.toNote(recordsOf('in', 0, 1)));
    again(attempts, 'attempt:1');
    expect(again(attempts, 'attempt:2,records:1')).toEqual({ in: 'attempt:3,records:1' });
  });

  test('suspects nothing any more where another owner came further', () => {
    const attempts = attemptsAfter('attempt:2,records:1');
    attempts.begin([found('attempt:1', { offset: 1n })], true);
    expect(attempts.hasSuspicion).toBe(false);
  });

  test('still suspects the last of a batch where the others are committed, and one where what lay before it is', () => {
    for (const [note, before] of [
      ['attempt:2,records:2', recordsOf('in', 0, 1)],
      ['attempt:3,records:1', []],
    ] as const) {
      const attempts = attemptsAfter(note);
      attempts.noted(new Map([['in', attempts.afterwards]]));
      attempts.processed(before, new Map([['in', 1n]]));
      attempts.begin([found('attempt:1', { offset: 1n })], false);
      expect([attempts.isAlone, attempts.hasEndedWorkers(recordsOf('in', 1, 1)[0]!)]).toEqual([true, before.length === 0]);
    }
  });

  const AGAIN: Record<string, { note: string; offset: bigint; isCondemned: boolean; hasSuspicion: boolean }> = {
    'what is condemned, until the task begins behind it': {
      note: 'attempt:3,records:1',
      offset: 0n,
      isCondemned: true,
      hasSuspicion: true,
    },
    'the only one, until the task begins behind it': { note: 'attempt:2,records:1', offset: 0n, isCondemned: false, hasSuspicion: true },
    'no record behind the only one': { note: 'attempt:2,records:1', offset: 1n, isCondemned: false, hasSuspicion: false },
    'some of a batch, where the task begins behind others of it': { note: 'attempt:1', offset: 2n, isCondemned: false, hasSuspicion: true },
    'no record behind the batch': { note: 'attempt:1', offset: 3n, isCondemned: false, hasSuspicion: false },
  };

  test.each(Object.entries(AGAIN))('still suspects %s', (_sentence, { note, offset, isCondemned, hasSuspicion }) => {
    const attempts = attemptsAfter(note, false, { endOffset: 3n });
    attempts.begin([found(note, { offset, endOffset: 3n })], false);
    expect([attempts.hasEndedWorkers(recordsOf('in', Number(offset), 1)[0]!), attempts.hasSuspicion]).toEqual([isCondemned, hasSuspicion]);
  });

  test('does not take the next record for the one whose dead letter it wrote without knowing', () => {
    const attempts = attemptsAfter('attempt:3,records:1');
    attempts.sent(new Map([['in', attempts.afterwards]]));
    attempts.begin([found('attempt:1', { offset: 1n })], false);
    expect([attempts.hasEndedWorkers(recordsOf('in', 1, 1)[0]!), attempts.hasSuspicion]).toEqual([false, false]);
  });
});

describe('the topics of a task', () => {
  const both = (first: string | null, second: string | null, changes: Partial<FoundNote> = {}) => [
    found(first, changes),
    found(second, { ...changes, topic: 'more' }),
  ];
  function attemptsOf(first: string | null, second: string | null): Attempts {
    const attempts = new Attempts(100);
    attempts.begin(both(first, second), false);
    return attempts;
  }
  const records = (...topics: string[]) => topics.flatMap((topic) => recordsOf(topic, 0, 1));

  test('are each as their notes say', () => {
    const attempts = attemptsOf('attempt:1', 'attempt:3,records:1');
    expect(records('in', 'more').map((record) => attempts.hasEndedWorkers(record))).toEqual([false, true]);
    expect(textsOf(attempts.toNote(records('in', 'more')))).toEqual({ in: 'attempt:2,records:1', more: 'attempt:4,records:1' });
    expect([attempts.rank, attempts.isAlone, attempts.isAloneUntilWritten]).toEqual([4, true, true]);
    attempts.processed(records('more'), new Map([['more', 1n]]));
    expect([attempts.rank, attempts.isAlone, attempts.isAloneUntilWritten]).toEqual([2, true, false]);
  });

  test('are noted apart, and each only where its note says something else', () => {
    const attempts = attemptsOf(null, null);
    const notes = attempts.toNote(records('in', 'more'));
    expect(textsOf(notes)).toEqual({ in: 'attempt:1', more: 'attempt:1' });
    attempts.noted(notes);
    expect(textsOf(attempts.toNote(records('in', 'more')))).toEqual({});
  });

  test("are this process's own where all of their notes are, committed or not", () => {
    const attempts = attemptsOf('attempt:1', 'attempt:1');
    const isOwn = (first: string, second: string) => attempts.isOwn(new Map(both(first, second).map(({ topic, note }) => [topic, note])));
    expect([isOwn('attempt:1', 'attempt:1'), isOwn('attempt:1', 'stopped:0a'), isOwn('stopped:0a', 'attempt:1')]).toEqual([
      true,
      false,
      false,
    ]);
    attempts.sent(attempts.toNote(records('in', 'more')));
    expect([isOwn('attempt:2,records:1', 'attempt:2,records:1'), isOwn('attempt:2,records:1', 'attempt:1')]).toEqual([true, true]);
  });

  test('each lose the suspicion with their own records', () => {
    const attempts = attemptsOf('attempt:2,records:2', 'attempt:2,records:2');
    attempts.processed(
      records('in', 'more'),
      new Map([
        ['in', 1n],
        ['more', 1n],
      ]),
    );
    expect(attempts.limit(100)).toBe(1);
    attempts.processed(
      records('in', 'more'),
      new Map([
        ['in', 2n],
        ['more', 2n],
      ]),
    );
    expect([attempts.hasSuspicion, attempts.rank]).toEqual([false, 0]);
  });
});

const NEEDS_END: Record<string, { note: string | null; isContinued: boolean; isNeeded: boolean }> = {
  'after a worker that ended': { note: 'attempt:1', isContinued: false, isNeeded: true },
  'nor where it did not end': { note: 'attempt:1', isContinued: true, isNeeded: false },
  'where it did not end over what ended one before it': { note: 'attempt:2,records:1', isContinued: true, isNeeded: true },
  'nor where it noted nothing': { note: null, isContinued: false, isNeeded: false },
  'nor where the breaker stopped it': { note: 'stopped:0a', isContinued: false, isNeeded: false },
};

test.each(Object.entries(NEEDS_END))('the end of a topic counts or not: %s', (_sentence, { note, isContinued, isNeeded }) => {
  expect(new Attempts(100).needsEnd(decodeNote(note), isContinued)).toBe(isNeeded);
});

test('a first attempt shows no record, whatever it is said to have taken', () => {
  expect(textsOf(attemptsAfter('attempt:1,records:5').toNote(recordsOf('in', 0, 1)))).toEqual({ in: 'attempt:2,records:1' });
});

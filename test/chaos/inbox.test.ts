import fc from 'fast-check';
import { expect, test } from 'vitest';
import { judgeInbox, type InboxRecord, type PostedEvent } from './inbox.ts';
import type { FindingKind } from './judge.ts';

const PARTITIONS = 2;
const KEYS = 3;

interface Run {
  posted: PostedEvent[];
  records: InboxRecord[];
}

/** Three clients and three keys; every fourth event was POSTed three times and stands twice, the last one got no answer. */
function cleanRun(): Run {
  const posted = Array.from({ length: 60 }, (_, at): PostedEvent => ({
    client: at % 3,
    key: `key-${Math.floor(at / 3) % KEYS}`,
    value: `event-${at}`,
    posts: at % 4 === 0 ? 3 : 1,
    isAccepted: at < 59,
  }));
  const copies = posted.flatMap((event, at) => (at === 59 ? [] : event.posts > 1 ? [event, event] : [event]));
  const records = copies.map(({ key, value }, offset) => ({ partition: Number(key.at(-1)) % PARTITIONS, offset, key, value }));
  return { posted, records };
}

const verdictOf = ({ posted, records }: Run) => judgeInbox({ posted, records, topic: 'inbox' });
const kindsIn = (run: Run) => verdictOf(run).findings.map(({ kind }) => kind);
const at = (run: Run, value: string) => run.records.findIndex((record) => record.value === value);

test('what was accepted is there, and again where it was POSTed again', () => {
  expect(verdictOf(cleanRun())).toEqual({ isClean: true, findings: [], redelivered: 0, accepted: 59, repeated: 15 });
});

const PERMITTED: Record<string, (run: Run) => void> = {
  'an event without an answer that is there all the same': ({ records }) => {
    records.push({ ...records[0]!, key: 'key-1', partition: 1, value: 'event-59' });
  },
  'an event that comes again after later ones': ({ records }) => {
    records.push({ ...records[0]! });
  },
  'clients that overtake each other': (run) => {
    const [first, second] = [at(run, 'event-1'), at(run, 'event-2')];
    [run.records[first], run.records[second]] = [run.records[second]!, run.records[first]!];
  },
};

test.each(Object.entries(PERMITTED))('permits %s', (_, apply) => {
  const run = cleanRun();
  apply(run);
  expect(kindsIn(run)).toEqual([]);
});

const FOUND: Record<string, [FindingKind, (run: Run) => void]> = {
  'an event that got 202 and is not there': [
    'lost',
    (run) => {
      run.records.splice(at(run, 'event-5'), 1);
    },
  ],
  'an event that was POSTed once and is there twice': [
    'doubled',
    (run) => {
      run.records.push({ ...run.records[at(run, 'event-5')]! });
    },
  ],
  'an event that is there more often than it was POSTed': [
    'doubled',
    ({ records }) => {
      records.push(records[0]!, records[0]!);
    },
  ],
  'a record that nobody POSTed': [
    'invented',
    ({ records }) => {
      records.push({ ...records[0]!, value: 'event-x' });
    },
  ],
  'a tombstone': [
    'invented',
    ({ records }) => {
      records.push({ ...records[0]!, value: null });
    },
  ],
  'a key that is another': [
    'altered',
    ({ records }) => {
      records[3] = { ...records[3]!, key: 'key-x' };
    },
  ],
  'two events of a client and key in the wrong order': [
    'reordered',
    (run) => {
      const [first, second] = [at(run, 'event-1'), at(run, 'event-10')];
      [run.records[first], run.records[second]] = [run.records[second]!, run.records[first]!];
    },
  ],
  'an event apart from others of its key': [
    'reordered',
    (run) => {
      run.records[at(run, 'event-10')]!.partition = 1;
    },
  ],
  'clients that nobody answered': [
    'no-evidence',
    ({ posted, records }) => {
      for (const event of posted) event.isAccepted = false;
      records.length = 0;
    },
  ],
};

test.each(Object.entries(FOUND))('finds %s, and nothing else', (_, [kind, apply]) => {
  const run = cleanRun();
  apply(run);
  expect(kindsIn(run)).toEqual([kind]);
});

test('whatever is POSTed again, the number of copies decides', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ posts: fc.integer({ min: 1, max: 4 }), copies: fc.integer({ min: 1, max: 5 }) }), { minLength: 1 }),
      (events) => {
        const posted = events.map(({ posts }, index): PostedEvent => ({
          client: 0,
          key: 'key',
          value: `event-${index}`,
          posts,
          isAccepted: true,
        }));
        const records = events.flatMap(({ copies }, index) =>
          Array.from({ length: copies }, (): InboxRecord => ({ partition: 0, offset: 0, key: 'key', value: `event-${index}` })),
        );
        const surplus = events.reduce((sum, { posts, copies }) => sum + Math.max(0, copies - posts), 0);
        expect(verdictOf({ posted, records }).findings.map(({ kind, count }) => [kind, count])).toEqual(
          surplus > 0 ? [['doubled', surplus]] : [],
        );
      },
    ),
  );
});

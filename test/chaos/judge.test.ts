import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeFindings, judge, type Evidence, type FindingKind, type InputRecord, type OutputRecord } from './judge.ts';
import { type Random, randomFrom } from './random.ts';
import { standingSince, type Sample, type Watched } from './standstill.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends readonly (infer E)[] ? Mutable<E>[] : T[K] };
type Run = Mutable<Omit<Evidence, 'neverCommitted' | 'outputs' | 'watched'>> & {
  watched: Mutable<Watched>;
  neverCommitted: Set<string>;
  outputs: {
    topic: string;
    records: OutputRecord[];
    wanted: (input: InputRecord) => { key: string | null; value: string | null } | null;
  }[];
};

const PARTITIONS = 3;
const KEYS = 5;
const isPoison = ({ value }: InputRecord) => value!.startsWith('poison');
const laneOf = ({ value }: InputRecord) => `lane-${Number(value!.at(-1)) % 4}`;
const sourceOf = ({ topic, partition, offset }: InputRecord) => `${topic}/${partition}/${offset}`;

/** A run in which all is well: every record once in `kept` and in `spread`, or in the dead letters. */
function cleanRun(random: Random, records = 120): Run {
  const inputs = inputRecords(random, records);
  const outputs = [
    { topic: 'kept', wanted: (input: InputRecord) => (isPoison(input) ? null : { key: input.key, value: input.value }) },
    { topic: 'spread', wanted: (input: InputRecord) => (isPoison(input) ? null : { key: laneOf(input), value: input.value }) },
    { topic: 'dead', wanted: (input: InputRecord) => (isPoison(input) ? { key: input.key, value: input.value } : null) },
  ].map((output) => ({ ...output, records: outputRecords(inputs, output.wanted, random) }));
  const ends = partitionsOf('in').map(({ topic, partition }) => {
    const end = inputs.filter((input) => input.partition === partition).at(-1)!.offset + 2;
    return { topic, partition, highWatermark: end, lastStable: end };
  });
  const committed = ends.map(({ topic, partition, highWatermark }) => ({ topic, partition, offset: highWatermark }));
  return {
    guarantee: 'ExactlyOnce',
    inputs,
    outputs,
    committed,
    watched: watchedRun(random),
    neverCommitted: new Set(['aborted-1', 'aborted-2']),
    commits: committed.flatMap(({ topic, partition, offset }) =>
      [0, 0, Math.floor(offset / 3), Math.floor(offset / 2), offset].map((each) => ({ topic, partition, offset: each })),
    ),
    ends: [
      ...ends,
      ...outputs.flatMap(({ topic }) => partitionsOf(topic).map((each) => ({ ...each, highWatermark: 500, lastStable: 500 }))),
    ],
  };
}

/** Outputs end behind all that is asked for. */
const WRITTEN = 1_000;
const SAMPLE_MS = 500;
const SAMPLES = 140;
/** From here on some places have nothing to do. */
const IDLE_FROM = 120;
const LIMIT_MS = 11_000;
/** So many samples lie within the limit. */
const ALLOWED = LIMIT_MS / SAMPLE_MS;
/** Where the disturbances of a clean run are, in samples: what stands still there does so for no longer than the limit after their end. */
const OUTAGE = { from: 30, to: 36 };

/** Everything moves, but for a while before, under and after an outage, and has nothing to do at times. */
function watchedRun(random: Random): Mutable<Watched> {
  const places = [...partitionsOf('in'), ...partitionsOf('kept')];
  const positions = places.map(({ topic }) => random.whole(0, 100) + (topic === 'in' ? 0 : WRITTEN));
  const samples = Array.from({ length: SAMPLES }, (_, at): Mutable<Sample> => {
    const isStill = at > OUTAGE.from - ALLOWED / 2 && at < OUTAGE.to + ALLOWED;
    for (const place of positions.keys()) if (!isStill) positions[place]! += random.whole(1, 9);
    const hasWork = (place: number) => at < IDLE_FROM || place % 2 === 0;
    return {
      atMs: at * SAMPLE_MS,
      ends: places.map((place, index) => {
        const end = positions[index]! + (hasWork(index) ? 5 : 0);
        return place.topic === 'in'
          ? { ...place, highWatermark: end + 3, lastStable: end }
          : { ...place, highWatermark: end, lastStable: positions[index]! };
      }),
      committed: places.flatMap((place, index) => (place.topic === 'in' ? [{ ...place, offset: positions[index]! }] : [])),
    };
  });
  return { input: 'in', samples, limitMs: LIMIT_MS, disturbances: [{ fromMs: OUTAGE.from * SAMPLE_MS, toMs: OUTAGE.to * SAMPLE_MS }] };
}

/** In calm times, and with time enough after it. */
const someSample = (random: Random) => random.whole(OUTAGE.to + ALLOWED, IDLE_FROM - ALLOWED - 2);
const CALM = OUTAGE.to + ALLOWED;

/** From one sample on a place stays where it is, and has something to do. */
function standStill({ watched }: Run, topic: string, from: number, samples: number): void {
  const stretch = watched.samples.slice(from, from + samples);
  const partition = from % PARTITIONS;
  const isIt = (place: { topic: string; partition: number }) => place.topic === topic && place.partition === partition;
  const position = stretch[0]!.committed.find(isIt)?.offset ?? stretch[0]!.ends.find(isIt)!.lastStable;
  for (const { ends, committed } of stretch) {
    const end = ends.find(isIt)!;
    end.highWatermark = position + 9;
    end.lastStable = topic === 'in' ? position + 9 : position;
    for (const each of committed.filter(isIt)) each.offset = position;
  }
}

const partitionsOf = (topic: string) => Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition }));

/** Offsets have holes, where markers and aborted records are. */
function inputRecords(random: Random, records: number): InputRecord[] {
  const next = Array.from({ length: PARTITIONS }, () => 0);
  return Array.from({ length: records }, (_, at) => {
    const key = random.whole(0, KEYS);
    const partition = key % PARTITIONS;
    next[partition]! += random.whole(1, 4);
    const value = `${random.fraction() < 0.1 ? 'poison' : 'event'}-${at}`;
    return { topic: 'in', partition, offset: next[partition]!, key: `key-${key}`, value };
  });
}

/** Input partitions are worked at different speeds; each in its order. */
function outputRecords(inputs: readonly InputRecord[], wanted: Run['outputs'][number]['wanted'], random: Random): OutputRecord[] {
  const queues = partitionsOf('in').map(({ partition }) => inputs.filter((input) => input.partition === partition && wanted(input)));
  const logs = partitionsOf('out').map((): OutputRecord[] => []);
  while (queues.some(({ length }) => length > 0)) {
    const input = random.pick(queues.filter(({ length }) => length > 0)).shift()!;
    const { key, value } = wanted(input)!;
    const partition = Number(key!.at(-1)) % PARTITIONS;
    logs[partition]!.push({ partition, offset: logs[partition]!.length, key, value, source: sourceOf(input) });
  }
  return logs.flat();
}

const someOutput = (run: Run, random: Random) => random.pick(run.outputs.filter(({ records }) => records.length > 0));

/** An output of a key and input partition that has others, and where the next of these stands. */
function pairOfOneKey({ records }: { records: OutputRecord[] }, random: Random): [number, number] {
  const laneOfRecord = ({ key, source }: OutputRecord) => `${key} ${source!.split('/')[1]}`;
  const pairs = records.flatMap((record, at): [number, number][] => {
    const next = records.findIndex((other, index) => index > at && laneOfRecord(other) === laneOfRecord(record));
    return next === -1 ? [] : [[at, next]];
  });
  return random.pick(pairs);
}

const DEFECTS: Record<string, [FindingKind, (run: Run, random: Random) => void]> = {
  'a record that never came out': [
    'lost',
    (run, random) => {
      const { records } = someOutput(run, random);
      records.splice(random.whole(0, records.length), 1);
    },
  ],
  'the last records never came out': [
    'lost',
    (run, random) => {
      const { records } = someOutput(run, random);
      records.splice(-random.whole(1, 10));
    },
  ],
  'an output topic that is empty': [
    'lost',
    (run, random) => {
      someOutput(run, random).records.length = 0;
    },
  ],
  'a record that came out twice, at once or later': [
    'doubled',
    (run, random) => {
      const { records } = someOutput(run, random);
      const at = random.whole(0, records.length);
      records.splice(random.whole(at, records.length) + 1, 0, { ...records[at]! });
    },
  ],
  'a stretch that was worked again': [
    'doubled',
    (run, random) => {
      const { records } = random.pick(run.outputs.slice(0, 2));
      const at = random.whole(0, records.length - 10);
      records.splice(at + 10, 0, ...records.slice(at, at + random.whole(1, 10)));
    },
  ],
  'a record that came out twice, in another partition': [
    'doubled',
    (run, random) => {
      const { records } = someOutput(run, random);
      const record = random.pick(records);
      records.push({ ...record, partition: (record.partition + 1) % PARTITIONS });
    },
  ],
  'two records of a key in the wrong order': [
    'reordered',
    (run, random) => {
      const { records } = random.pick(run.outputs.slice(0, 2));
      const [at, next] = pairOfOneKey({ records }, random);
      [records[at], records[next]] = [records[next]!, records[at]!];
    },
  ],
  'a record apart from the others of its key': [
    'reordered',
    (run, random) => {
      const { records } = random.pick(run.outputs.slice(0, 2));
      const [, next] = pairOfOneKey({ records }, random);
      records[next] = { ...records[next]!, partition: (records[next]!.partition + 1) % PARTITIONS };
    },
  ],
  'a record of an aborted transaction': [
    'uncommitted',
    (run, random) => {
      const { records } = someOutput(run, random);
      const source = `in/${random.whole(0, PARTITIONS)}/100000`;
      records.splice(random.whole(0, records.length), 0, {
        partition: 0,
        offset: 0,
        key: 'key-1',
        value: random.pick([...run.neverCommitted]),
        source,
      });
    },
  ],
  'a value that is another': [
    'altered',
    (run, random) => {
      random.pick(someOutput(run, random).records).value += '!';
    },
  ],
  'a value that is none': [
    'altered',
    (run, random) => {
      random.pick(someOutput(run, random).records).value = null;
    },
  ],
  'a key that is another': [
    'altered',
    (run, random) => {
      random.pick(someOutput(run, random).records).key = 'another';
    },
  ],
  'an output of a record that never was': [
    'invented',
    (run, random) => {
      someOutput(run, random).records.push({ partition: 0, offset: 0, key: 'key-1', value: 'event-x', source: 'in/0/100000' });
    },
  ],
  'an output that does not say where it comes from': [
    'invented',
    (run, random) => {
      someOutput(run, random).records.push({ partition: 0, offset: 0, key: 'key-1', value: 'event-x', source: null });
    },
  ],
  'a dead letter of a good record': [
    'invented',
    (run, random) => {
      run.outputs[2]!.records.push({ ...random.pick(run.outputs[0]!.records) });
    },
  ],
  'an offset that went back': [
    'offset-back',
    (run, random) => {
      const at = random.pick([...run.commits.keys()].filter((index) => run.commits[index]!.offset > 0));
      run.commits.splice(at + 1, 0, { ...run.commits[at]!, offset: run.commits[at]!.offset - 1 });
    },
  ],
  'a position ahead of what is written': [
    'offset-ahead',
    ({ watched, inputs, outputs }, random) => {
      const { partition, source } = random.pick(outputs[0]!.records);
      const [, from, offset] = source!.split('/').map(Number);
      const isHere = (input: InputRecord) => input.partition === from && input.offset === offset;
      const { ends, committed } = watched.samples[0]!;
      for (const each of committed) each.offset = each.partition === from ? inputs.find(isHere)!.offset + 1 : 0;
      for (const end of ends) if (end.topic === 'kept' && end.partition === partition) end.highWatermark = end.lastStable = 0;
    },
  ],
  'an input with an end ahead of the group': [
    'not-drained',
    (run, random) => {
      const end = run.ends[random.whole(0, PARTITIONS)]!;
      end.highWatermark = ++end.lastStable;
    },
  ],
  'an input without an offset of the group': [
    'not-drained',
    (run, random) => {
      run.committed.splice(random.whole(0, PARTITIONS), 1);
    },
  ],
  'a transaction that is still open': [
    'not-drained',
    (run, random) => {
      random.pick(run.ends.slice(PARTITIONS)).lastStable--;
    },
  ],
  'readers that stand still to the end': [
    'reader-stalled',
    (run, random) => {
      standStill(run, 'kept', someSample(random), SAMPLES);
    },
  ],
  'readers that stand still and go on': [
    'reader-stalled',
    (run, random) => {
      standStill(run, 'kept', someSample(random), ALLOWED + 2);
    },
  ],
  'a task that stands still to the end': [
    'task-stalled',
    (run, random) => {
      standStill(run, 'in', someSample(random), SAMPLES);
    },
  ],
  'a task that stands still and goes on': [
    'task-stalled',
    (run, random) => {
      standStill(run, 'in', someSample(random), ALLOWED + 2);
    },
  ],
  'a task that stands still for too long after an outage': [
    'task-stalled',
    (run) => {
      standStill(run, 'in', OUTAGE.from, OUTAGE.to - OUTAGE.from + ALLOWED + 2);
    },
  ],
  'a task without a committed position': [
    'task-stalled',
    ({ watched }) => {
      for (const sample of watched.samples) sample.committed.shift();
    },
  ],
  'nobody who watched': [
    'no-evidence',
    ({ watched }) => {
      watched.samples.length = 0;
    },
  ],
  'nothing that went in and came out': [
    'no-evidence',
    (run) => {
      run.inputs.length = 0;
      for (const { records } of run.outputs) records.length = 0;
    },
  ],
  'no output topics': [
    'no-evidence',
    (run) => {
      run.outputs.length = 0;
    },
  ],
  'no commits': [
    'no-evidence',
    (run) => {
      run.commits.length = 0;
    },
  ],
  'no ends': [
    'no-evidence',
    (run) => {
      run.ends.length = 0;
    },
  ],
};

const kindsIn = (run: Run) => judge(run).findings.map(({ kind }) => kind);

test('a run in which all is well is clean', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(judge(cleanRun(randomFrom(seed)))).toEqual({ isClean: true, findings: [], redelivered: 0 });
    }),
  );
});

test.each(Object.entries(DEFECTS))('finds %s, and nothing else', (_, [kind, apply]) => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const random = randomFrom(seed);
      const run = cleanRun(random);
      apply(run, random);
      expect(kindsIn(run)).toEqual([kind]);
      expect(judge(run).isClean).toBe(false);
    }),
  );
});

test('finds several kinds at once and counts each', () => {
  const run = cleanRun(randomFrom(1));
  const { records } = run.outputs[0]!;
  records.push({ ...records[3]! }, { ...records[4]! });
  records.splice(10, 1);
  const [first, second] = judge(run).findings.toSorted((a, b) => a.count - b.count);
  expect([first!.kind, first!.count]).toEqual(['lost', 1]);
  expect([second!.kind, second!.count]).toEqual(['doubled', 2]);
});

const PERMITTED: Record<string, (run: Run) => void> = {
  'for as long as the limit': (run) => standStill(run, 'in', CALM, ALLOWED + 1),
  'for as long as brokers do not answer': (run) => {
    run.watched.disturbances.push({ fromMs: CALM * SAMPLE_MS, toMs: Infinity });
    standStill(run, 'in', CALM, SAMPLES);
    standStill(run, 'kept', CALM + 1, SAMPLES);
  },
  'between disturbances that come often': (run) => {
    for (let at = CALM; at < SAMPLES; at += ALLOWED) run.watched.disturbances.push({ fromMs: at * SAMPLE_MS, toMs: at * SAMPLE_MS });
    standStill(run, 'kept', CALM, SAMPLES);
  },
  'where a broker answers with an old position meanwhile': (run) => {
    const { committed } = run.watched.samples[CALM + 10]!;
    for (const each of committed) each.offset = 0;
  },
};

test.each(Object.entries(PERMITTED))('a standstill is permitted %s', (_, apply) => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const run = cleanRun(randomFrom(seed));
      apply(run);
      expect(kindsIn(run)).toEqual([]);
    }),
  );
});

test('an old position is no movement', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const run = cleanRun(randomFrom(seed));
      standStill(run, 'in', CALM, SAMPLES);
      for (const each of run.watched.samples[CALM + 10]!.committed) each.offset = 0;
      expect(kindsIn(run)).toEqual(['task-stalled']);
    }),
  );
});

test('says what has not moved since, once there are two samples', () => {
  const run = cleanRun(randomFrom(1));
  standStill(run, 'kept', CALM + 1, SAMPLES);
  const { samples } = run.watched!;
  expect(standingSince({ input: 'in', samples }, (CALM + 1) * SAMPLE_MS)).toEqual([`kept/${(CALM + 1) % PARTITIONS}`]);
  expect(standingSince({ input: 'in', samples }, (SAMPLES - 1) * SAMPLE_MS)).toBeNull();
});

test('names places, a few of them', () => {
  const run = cleanRun(randomFrom(1));
  const [input] = run.inputs as [InputRecord];
  run.outputs = [{ ...run.outputs[0]!, records: [] }];
  const [line] = describeFindings(judge(run));
  expect(line).toMatch(new RegExp(`^lost \\d+: ${sourceOf(input)} is not in kept; .*; …$`));
});

test('judges 200,000 records in a moment', () => {
  const run = cleanRun(randomFrom(1), 1_000);
  const inputs = Array.from({ length: 200_000 }, (_, at): InputRecord => ({
    topic: 'in',
    partition: at % 3,
    offset: at,
    key: `key-${at % 300}`,
    value: `event-${at}`,
  }));
  const records = inputs.map((input): OutputRecord => ({ ...input, source: sourceOf(input) }));
  const [kept] = run.outputs;
  const startedAt = performance.now();
  const { findings } = judge({
    ...run,
    inputs,
    outputs: [{ ...kept!, records }],
    committed: [],
    commits: [{ topic: 'in', partition: 0, offset: 1 }],
  });
  expect(findings.map(({ kind }) => kind)).toEqual(['not-drained']);
  expect(performance.now() - startedAt).toBeLessThan(10_000);
});

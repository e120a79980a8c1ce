import { readBack, type ReadBackOptions, type ReadBackRecord, type ReadBackResult } from '@sagafleet/local';
import { CE_ID, DEAD_LETTER_HEADERS } from '@sagafleet/schemas';
import { LANE_LENGTH, POISON, textOf, valueRead } from './events.ts';
import type { Evidence, InputRecord, Output, OutputRecord, TopicPosition } from './judge.ts';
import { GROUP, OFFSETS_TOPIC, TOPICS } from './topics.ts';
import type { World } from './world.ts';

/** What has to be in each output topic: an event as the new schema reads it, or a poison as it was. */
function wantedOutputs({ schemaIds }: World): [topic: string, wanted: Output['wanted']][] {
  const read = ({ value }: InputRecord) => valueRead(value!, schemaIds);
  return [
    [TOPICS.kept, (input) => (isPoison(input) ? null : { key: input.key, value: read(input) })],
    [TOPICS.spread, (input) => (isPoison(input) ? null : { key: input.value!.slice(-LANE_LENGTH), value: read(input) })],
    [TOPICS.deadLetters, (input) => (isPoison(input) ? input : null)],
  ];
}

/** Everything as Kafka's own client reads it. */
export async function gatherEvidence(world: World, neverCommitted: ReadonlySet<string>): Promise<Evidence> {
  const read = (what: Omit<ReadBackOptions, 'brokers'>): Promise<ReadBackResult> =>
    readBack(world.platform.tools, { brokers: world.platform.brokers, ...what });
  const input = await read({ topics: [TOPICS.input], groups: [GROUP] });
  const ends = [...input.ends];
  const outputs: Output[] = [];
  for (const [topic, wanted] of wantedOutputs(world)) {
    const output = await read({ topics: [topic] });
    outputs.push({ topic, wanted, records: output.records.map(toOutputRecord) });
    ends.push(...output.ends);
  }
  const { records } = await read({ topics: [OFFSETS_TOPIC] });
  return {
    guarantee: world.guarantee,
    inputs: input.records.map(toInputRecord),
    neverCommitted,
    outputs,
    ends,
    committed: input.committed,
    commits: records.flatMap((record) => readCommit(record, GROUP) ?? []),
  };
}

function isPoison({ value }: InputRecord): boolean {
  return value!.startsWith(POISON);
}

export function toInputRecord({ topic, partition, offset, key, value }: ReadBackRecord): InputRecord {
  return { topic, partition, offset, key: key && textOf(key), value: value && textOf(value) };
}

export function toOutputRecord({ partition, offset, key, value, headers }: ReadBackRecord): OutputRecord {
  const texts = new Map(headers.map(([name, content]) => [name, content?.toString()]));
  return { partition, offset, key: key && textOf(key), value: value && textOf(value), source: sourceIn(texts) };
}

/** An event names its input in its id, a dead letter in headers of its own. */
function sourceIn(headers: ReadonlyMap<string, string | undefined>): string | null {
  const [topic, partition, offset] = headers.get(CE_ID)?.split('/') ?? [
    headers.get(DEAD_LETTER_HEADERS.originalTopic),
    headers.get(DEAD_LETTER_HEADERS.originalPartition),
    headers.get(DEAD_LETTER_HEADERS.originalOffset),
  ];
  return topic && partition && offset ? `${topic}/${partition}/${offset}` : null;
}

/**
 * A commit of a group, from Kafka's `OffsetCommitKey` and `OffsetCommitValue`: version (0 and 1 alike, 2 is a group),
 * group, topic, partition; version, offset. Null for what is none.
 */
export function readCommit({ key, value }: ReadBackRecord, group: string): TopicPosition | null {
  if (!key || !value || key.readInt16BE(0) > 1) return null;
  const groupEnd = 4 + key.readInt16BE(2);
  const topicEnd = groupEnd + 2 + key.readInt16BE(groupEnd);
  if (key.toString('utf8', 4, groupEnd) !== group) return null;
  return {
    topic: key.toString('utf8', groupEnd + 2, topicEnd),
    partition: key.readInt32BE(topicEnd),
    offset: Number(value.readBigInt64BE(2)),
  };
}

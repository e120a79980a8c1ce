import { CE_ID, DEAD_LETTER_HEADERS } from '@sagafleet/schemas';
import type { Headers, TopicPosition } from '../driver.ts';

const CE_ID_SOURCE = /^(.+?)\/(\d+)\/(\d+)\/-?\d+\//;

const { sourceTopic, sourcePartition, sourceOffset, originalTopic, originalPartition, originalOffset } = DEAD_LETTER_HEADERS;
/** A dead letter of one that was replayed also tells where the first failure was: what its own place is comes first. */
const PLACES = [
  [sourceTopic, sourcePartition, sourceOffset],
  [originalTopic, originalPartition, originalOffset],
] as const;

/** Where the record that an output or a dead letter of ours comes from stands; null where its headers do not say. */
export function sourceOf(headers: Headers): TopicPosition | null {
  const text = (name: string) => headers.findLast(([each]) => each === name)?.[1]?.toString() ?? null;
  for (const names of PLACES) {
    const [topic, partition, offset] = names.map(text);
    if (topic != null && partition != null && offset != null) return positionOf(topic, partition, offset);
  }
  const parts = CE_ID_SOURCE.exec(text(CE_ID) ?? '');
  return parts && positionOf(parts[1]!, parts[2]!, parts[3]!);
}

interface Known {
  task: number;
  committed: readonly TopicPosition[];
  floorOf: (topic: string) => bigint | null;
}

/** Whether the task has committed that record, or a member of its group knows that it has. */
export function isBehind(source: TopicPosition | null, { task, committed, floorOf }: Known): boolean {
  if (source?.partition !== task) return false;
  const position = committed.find(({ topic, partition }) => topic === source.topic && partition === task)?.offset;
  return [position, floorOf(source.topic)].some((known) => known !== undefined && known !== null && source.offset < known);
}

function positionOf(topic: string, partition: string, offset: string): TopicPosition | null {
  return /^\d+$/.test(partition) && /^\d+$/.test(offset) ? { topic, partition: Number(partition), offset: BigInt(offset) } : null;
}

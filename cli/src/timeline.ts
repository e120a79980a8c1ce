/** The events of sagas, read back from the topics. */
import { readTopics, type KafkaConnection, type ReadRecord } from '@sagafleet/kafka';
import { AvroCodecs, RegistryError, schemaIdOf, type RegistryClient } from '@sagafleet/registry';
import { CE_SOURCE, SAGA_ID } from '@sagafleet/schemas';
import { KAFKA_OPTIONS } from './connections.ts';

export interface SagaEvent {
  sagaId: string;
  /** Milliseconds since the epoch. */
  timestampMs: number;
  topic: string;
  partition: number;
  offset: bigint;
  /** CloudEvents source of the step that emitted it; null for what came from outside. */
  source: string | null;
  /** Decoded value; null for a tombstone, undefined where it cannot be decoded. */
  event: unknown;
}

export interface TimelineQuestion {
  connection: KafkaConnection;
  registry: RegistryClient;
  topics: readonly string[];
  /** Only these sagas. */
  isWanted(sagaId: string): boolean;
}

/** Events in the order of their timestamps, those of one partition in their order. */
export async function readTimelines(question: TimelineQuestion): Promise<SagaEvent[]> {
  const { connection, topics, isWanted } = question;
  const codecs = new AvroCodecs(question.registry);
  const events: SagaEvent[] = [];
  await readTopics({
    ...KAFKA_OPTIONS,
    connection,
    topics,
    until: 'end',
    onRecord: async (record) => {
      const sagaId = sagaIdOf(record);
      if (isWanted(sagaId)) events.push({ ...placeOf(record), sagaId, event: await decode(record, codecs) });
    },
  });
  return events.sort((a, b) => a.timestampMs - b.timestampMs);
}

function placeOf({ topic, partition, offset, timestampMs, headers }: ReadRecord): Omit<SagaEvent, 'sagaId' | 'event'> {
  const source = headers.find(([name]) => name === CE_SOURCE)?.[1]?.toString() ?? null;
  return { topic, partition, offset, timestampMs, source };
}

function sagaIdOf({ headers, key }: ReadRecord): string {
  return headers.find(([name]) => name === SAGA_ID)?.[1]?.toString() ?? key?.toString() ?? '';
}

async function decode({ value }: ReadRecord, codecs: AvroCodecs): Promise<unknown> {
  if (value === null) return null;
  try {
    const schemaId = schemaIdOf(value);
    return (codecs.decoder(schemaId, null) ?? (await codecs.loadDecoder(schemaId, null))).decode(value);
  } catch (error) {
    if (error instanceof RegistryError) return undefined;
    throw error;
  }
}

/** A saga's events as lines of text: time since the first, topic, place, event. */
export function formatTimeline(events: readonly SagaEvent[], eventText: (event: unknown) => string): string[] {
  const start = events[0]?.timestampMs ?? 0;
  const width = Math.max(0, ...events.map(({ topic }) => topic.length));
  return events.map(({ timestampMs, topic, partition, offset, event }) => {
    const since = `+${timestampMs - start} ms`.padStart(10);
    const text = event === undefined ? '(not decodable)' : eventText(event);
    return `${since}  ${topic.padEnd(width)}  ${`${partition}/${offset}`.padEnd(7)}  ${text}`;
  });
}

import { type ProtocolRequest, Decoder, type ProtocolDecoder } from '../kafkajs/private-shape.ts';

/** A record batch and the partition it is for. */
export interface EncodedBatch {
  topic: string;
  partition: number;
  bytes: Buffer;
}

export interface ProducedBatch {
  topic: string;
  partition: number;
  errorCode: number;
  baseOffset: bigint;
}

const PRODUCE = { apiKey: 0, apiVersion: 7, apiName: 'Produce' };
const ALL_IN_SYNC_REPLICAS = -1;

/** Of record batches in one request; a broker closes a connection that brings more than `socket.request.max.bytes`, 100 MB by default. */
const MAX_REQUEST_BYTES = 8 * 1024 * 1024;

/** Batches for one broker, cut to what one request may hold; a larger batch is a request of its own. */
export function perRequest<B extends { records: { bytes: number } }>(batches: readonly B[]): B[][] {
  const requests: B[][] = [];
  let bytes = Infinity;
  for (const batch of batches) {
    bytes += batch.records.bytes;
    if (bytes > MAX_REQUEST_BYTES) {
      requests.push([]);
      bytes = batch.records.bytes;
    }
    requests.at(-1)!.push(batch);
  }
  return requests;
}

/**
 * Produce, version 7 (Kafka protocol guide): one record batch for each of several partitions of one
 * broker. Each batch's error is its own; kafkajs reports the first as that of all.
 */
export function produceRequest(
  batches: readonly EncodedBatch[],
  transactionalId: string | null,
  timeoutMs: number,
): ProtocolRequest<{ batches: ProducedBatch[]; clientSideThrottleTime: number }> {
  return {
    request: {
      ...PRODUCE,
      encode: async () => ({ parts: encode(batches, transactionalId, timeoutMs) }),
    },
    response: { decode: async (payload) => decode(new Decoder(payload)), parse: async (answer) => answer },
  };
}

function encode(batches: readonly EncodedBatch[], transactionalId: string | null, timeoutMs: number): Buffer[] {
  const byTopic = Map.groupBy(batches, ({ topic }) => topic);
  const parts = [nullableString(transactionalId), int16(ALL_IN_SYNC_REPLICAS), int32(timeoutMs), int32(byTopic.size)];
  for (const [topic, its] of byTopic) {
    parts.push(nullableString(topic), int32(its.length));
    for (const { partition, bytes } of its) parts.push(int32(partition), int32(bytes.length), bytes);
  }
  return parts;
}

function decode(decoder: ProtocolDecoder): { batches: ProducedBatch[]; clientSideThrottleTime: number } {
  const topics = decoder.readArray((each) => {
    const topic = each.readString();
    return each.readArray((partition) => decodePartition(topic, partition));
  });
  return { batches: topics.flat(), clientSideThrottleTime: decoder.readInt32() };
}

function decodePartition(topic: string, decoder: ProtocolDecoder): ProducedBatch {
  const partition = decoder.readInt32();
  const errorCode = decoder.readInt16();
  const baseOffset = BigInt(decoder.readInt64().toString());
  decoder.readInt64(); // log append time
  decoder.readInt64(); // log start offset
  return { topic, partition, errorCode, baseOffset };
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function nullableString(text: string | null): Buffer {
  if (text === null) return int16(-1);
  const bytes = Buffer.from(text);
  return Buffer.concat([int16(bytes.length), bytes]);
}

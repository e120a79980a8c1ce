import { type ProtocolRequest } from '../kafkajs/private-shape.ts';
import { flexibleRequest } from './request.ts';
import type { TopicPartitions } from './transactions.ts';

export interface CommittedAnswer {
  topic: string;
  partition: number;
  offset: bigint;
  metadata: string | null;
  errorCode: number;
}
export interface OffsetAnswer {
  topic: string;
  partition: number;
  offset: bigint;
  errorCode: number;
}

export const OFFSET_FETCH = { apiKey: 9, apiVersion: 7, apiName: 'OffsetFetch' };
export const LIST_OFFSETS = { apiKey: 2, apiVersion: 7, apiName: 'ListOffsets' };
const CONSUMER = -1;
const ANY_EPOCH = -1;

/** Times that ask for an end of the log instead. */
export const LOG_START = -2n;
export const LOG_END = -1n;

/**
 * OffsetFetch, version 7 (Kafka protocol guide). With `isStable` (KIP-447) a partition with an offset in a
 * transaction that has not ended answers UNSTABLE_OFFSET_COMMIT instead of the offset before.
 */
export function offsetFetchRequest(
  group: string,
  topics: readonly TopicPartitions[],
  isStable: boolean,
): ProtocolRequest<{ partitions: CommittedAnswer[]; errorCode: number }> {
  return flexibleRequest(
    OFFSET_FETCH,
    (to) => {
      to.string(group);
      to.structs(topics, ({ topic, partitions }) => to.string(topic).array(partitions, (partition) => to.int32(partition)));
      to.bool(isStable);
    },
    (from) => {
      const partitions = from
        .structs(() => {
          const topic = from.string()!;
          return from.structs((): CommittedAnswer => {
            const [partition, offset] = [from.int32(), from.int64()];
            from.int32(); // leader epoch
            return { topic, partition, offset, metadata: from.string(), errorCode: from.int16() };
          });
        })
        .flat();
      return { partitions, errorCode: from.int16() };
    },
  );
}

/**
 * ListOffsets, version 7 (Kafka protocol guide), for the leader of the partitions. With `isCommitted` the end is the last
 * stable offset, else the high watermark. A time in milliseconds since the epoch asks for the first record from then
 * on; -1 where there is none.
 */
export function listOffsetsRequest(
  topics: readonly TopicPartitions[],
  { time, isCommitted }: { time: bigint; isCommitted: boolean },
): ProtocolRequest<{ partitions: OffsetAnswer[] }> {
  return flexibleRequest(
    LIST_OFFSETS,
    (to) => {
      to.int32(CONSUMER).int8(isCommitted ? 1 : 0);
      to.structs(topics, ({ topic, partitions }) => {
        to.string(topic).structs(partitions, (partition) => to.int32(partition).int32(ANY_EPOCH).int64(time));
      });
    },
    (from) => ({
      partitions: from
        .structs(() => {
          const topic = from.string()!;
          return from.structs((): OffsetAnswer => {
            const [partition, errorCode] = [from.int32(), from.int16()];
            from.int64(); // time of the record
            const offset = from.int64();
            from.int32(); // leader epoch
            return { topic, partition, offset, errorCode };
          });
        })
        .flat(),
    }),
  );
}

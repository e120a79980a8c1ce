import { type ProtocolRequest } from '../kafkajs/private-shape.ts';
import { flexibleRequest } from './request.ts';

/** What is to be fetched of a partition. */
export interface PartitionFetch {
  topicId: string;
  partition: number;
  leaderEpoch: number;
  offset: bigint;
  maxBytes: number;
}

export interface PartitionPlace {
  topicId: string;
  partition: number;
}

export interface FetchOptions {
  /** Of an incremental session (KIP-227); 0 and 0 ask for a new one. */
  session: { id: number; epoch: number };
  partitions: readonly PartitionFetch[];
  /** Partitions that leave the session. */
  forgotten: readonly PartitionPlace[];
  maxWaitMs: number;
  maxBytes: number;
  /** Also what is not committed; default committed records only. */
  isUncommitted?: boolean;
}

/** From `firstOffset` on the producer's records are aborted, up to its next control record. */
export interface AbortedTransaction {
  producerId: bigint;
  firstOffset: bigint;
}

export interface FetchedPartition extends PartitionPlace {
  errorCode: number;
  lastStableOffset: bigint;
  aborted: AbortedTransaction[];
  /** Record batches, the last may be cut off: a view of the answer. */
  records: Buffer;
}

export interface FetchAnswer {
  errorCode: number;
  sessionId: number;
  partitions: FetchedPartition[];
}

/** With topic ids (KIP-516), so that a topic which was recreated under its name is told from the one before: Kafka 3.1 and later. */
export const FETCH = { apiKey: 1, apiVersion: 13, apiName: 'Fetch' };
/** A fetch of which the broker keeps nothing. */
export const NO_SESSION = { id: 0, epoch: -1 };
const CONSUMER = -1;
const ANY_RECORD = 1;
const READ_UNCOMMITTED = 0;
const READ_COMMITTED = 1;
const NOT_A_REPLICA = -1;
const NO_RECORDS = Buffer.alloc(0);

/** Fetch, version 13 (Kafka protocol guide), answered once one is there or after `maxWaitMs`. */
export function fetchRequest({
  session,
  partitions,
  forgotten,
  maxWaitMs,
  maxBytes,
  isUncommitted = false,
}: FetchOptions): ProtocolRequest<FetchAnswer> {
  const request = flexibleRequest<FetchAnswer>(
    FETCH,
    (to) => {
      to.int32(CONSUMER)
        .int32(maxWaitMs)
        .int32(ANY_RECORD)
        .int32(maxBytes)
        .int8(isUncommitted ? READ_UNCOMMITTED : READ_COMMITTED);
      to.int32(session.id).int32(session.epoch);
      to.structs(byTopic(partitions), ([topicId, its]) => {
        to.uuid(topicId).structs(its, ({ partition, leaderEpoch, offset, maxBytes: most }) => {
          to.int32(partition).int32(leaderEpoch).int64(offset).int32(NOT_A_REPLICA).int64(BigInt(NOT_A_REPLICA)).int32(most);
        });
      });
      to.structs(byTopic(forgotten), ([topicId, its]) => {
        to.uuid(topicId).array(its, ({ partition }) => to.int32(partition));
      });
      to.string(''); // rack
    },
    (from) => ({
      errorCode: from.int16(),
      sessionId: from.int32(),
      partitions: from
        .structs(() => {
          const topicId = from.uuid();
          return from.structs((): FetchedPartition => {
            const place = { topicId, partition: from.int32(), errorCode: from.int16() };
            from.int64(); // high watermark
            const lastStableOffset = from.int64();
            from.int64(); // log start offset
            const aborted = from.structs(() => ({ producerId: from.int64(), firstOffset: from.int64() }));
            from.int32(); // preferred read replica
            return { ...place, lastStableOffset, aborted, records: from.view() ?? NO_RECORDS };
          });
        })
        .flat(),
    }),
  );
  return { ...request, requestTimeout: 2 * maxWaitMs, logResponseError: false };
}

function byTopic<P extends PartitionPlace>(places: readonly P[]): [string, P[]][] {
  return [...Map.groupBy(places, ({ topicId }) => topicId)];
}

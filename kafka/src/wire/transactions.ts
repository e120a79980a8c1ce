import { kafkajsRequests, type KafkajsRequest, type ProtocolRequest } from '../kafkajs/private-shape.ts';
import type { GroupMembership } from './group.ts';
import { flexibleRequest, throwUnlessOk } from './request.ts';

export interface ProducerIdentity {
  producerId: string;
  producerEpoch: number;
}
export interface InTransaction extends ProducerIdentity {
  transactionalId: string;
}
export interface TopicPartitions {
  topic: string;
  partitions: number[];
}

export interface Place {
  topic: string;
  partition: number;
}
/** `metadata` is stored beside the offset. */
export interface GroupPosition extends Place {
  offset: bigint;
  metadata?: string;
}

/** As requests name them. */
export function byTopic(places: readonly Place[]): TopicPartitions[] {
  return [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, its]) => ({
    topic,
    partitions: its.map(({ partition }) => partition),
  }));
}

/** Names of Kafka's `TransactionState`. */
export type TransactionState =
  'Empty' | 'Ongoing' | 'PrepareCommit' | 'PrepareAbort' | 'CompleteCommit' | 'CompleteAbort' | 'Dead' | 'PrepareEpochFence';

/** What a coordinator knows of a transactional id; `partitions` are those of the transaction that is open or being ended. */
export interface TransactionDescription {
  errorCode: number;
  transactionalId: string;
  state: TransactionState;
  /** That the last InitProducerId asked for. */
  timeoutMs: number;
  producerId: bigint;
  producerEpoch: number;
  partitions: TopicPartitions[];
}

/** A producer that wrote to a partition lately; `openSince` is the first offset of its open transaction, null where none is open. */
export interface ActiveProducer {
  producerId: bigint;
  producerEpoch: number;
  coordinatorEpoch: number;
  openSince: bigint | null;
}

export interface PartitionProducers {
  topic: string;
  partition: number;
  errorCode: number;
  producers: ActiveProducer[];
}

export const DESCRIBE_PRODUCERS = { apiKey: 61, apiVersion: 0, apiName: 'DescribeProducers' };
export const DESCRIBE_TRANSACTIONS = { apiKey: 65, apiVersion: 0, apiName: 'DescribeTransactions' };
const NONE_OPEN = -1n;

/** DescribeTransactions, version 0 (KIP-664), for the coordinator of the transactional id; needs Describe on it. */
export function describeTransactionsRequest(
  transactionalIds: readonly string[],
): ProtocolRequest<{ transactions: TransactionDescription[] }> {
  return flexibleRequest(
    DESCRIBE_TRANSACTIONS,
    (to) => {
      to.array(transactionalIds, (id) => to.string(id));
    },
    (from) => ({
      transactions: from.structs(() => {
        const [errorCode, transactionalId, state, timeoutMs] = [
          from.int16(),
          from.string()!,
          from.string() as TransactionState,
          from.int32(),
        ];
        from.int64(); // start time
        const [producerId, producerEpoch] = [from.int64(), from.int16()];
        const partitions = from.structs(() => ({ topic: from.string()!, partitions: from.array(() => from.int32()) }));
        return { errorCode, transactionalId, state, timeoutMs, producerId, producerEpoch, partitions };
      }),
    }),
  );
}

/** DescribeProducers, version 0 (KIP-664), for the leader of the partitions; needs Read on their topics. */
export function describeProducersRequest(topics: readonly TopicPartitions[]): ProtocolRequest<{ partitions: PartitionProducers[] }> {
  return flexibleRequest(
    DESCRIBE_PRODUCERS,
    (to) => {
      to.structs(topics, ({ topic, partitions }) => to.string(topic).array(partitions, (partition) => to.int32(partition)));
    },
    (from) => ({
      partitions: from
        .structs(() => {
          const topic = from.string()!;
          return from.structs((): PartitionProducers => {
            const place = { topic, partition: from.int32(), errorCode: from.int16() };
            from.string(); // error message
            const producers = from.structs(() => {
              const [producerId, producerEpoch] = [from.int64(), from.int32()];
              from.int32(); // last sequence
              from.int64(); // last timestamp
              const [coordinatorEpoch, openSince] = [from.int32(), from.int64()];
              return { producerId, producerEpoch, coordinatorEpoch, openSince: openSince === NONE_OPEN ? null : openSince };
            });
            return { ...place, producers };
          });
        })
        .flat(),
    }),
  );
}

export interface InitProducerId {
  /** Null: a producer without transactions. */
  transactionalId: string | null;
  timeoutMs: number;
  /** Refused with PRODUCER_FENCED where the transactional id is at another epoch, or null for any. */
  expected: ProducerIdentity | null;
}

export const INIT_PRODUCER_ID = { apiKey: 22, apiVersion: 4, apiName: 'InitProducerId' };
const ANY_PRODUCER: ProducerIdentity = { producerId: '-1', producerEpoch: -1 };

/**
 * InitProducerId, version 4 (Kafka protocol guide, KIP-360), for the coordinator of the transactional id. A coordinator compares
 * the expected epoch only while no transaction is open: one that is open is aborted whatever is expected. It also takes the
 * epoch before the present one, and then answers with the present one.
 */
export function initProducerIdRequest({ transactionalId, timeoutMs, expected }: InitProducerId): ProtocolRequest<ProducerIdentity> {
  const { producerId, producerEpoch } = expected ?? ANY_PRODUCER;
  const request = flexibleRequest(
    INIT_PRODUCER_ID,
    (to) => {
      to.string(transactionalId).int32(timeoutMs).int64(BigInt(producerId)).int16(producerEpoch);
    },
    (from) => {
      throwUnlessOk(from.int16());
      return { producerId: String(from.int64()), producerEpoch: from.int16() };
    },
  );
  return { ...request, logResponseError: false };
}

export interface TransactionalPositions extends InTransaction {
  groupId: string;
  membership: GroupMembership;
  positions: readonly GroupPosition[];
}

export const TXN_OFFSET_COMMIT = { apiKey: 28, apiVersion: 3, apiName: 'TxnOffsetCommit' };
/** A member is static only where it is given a name of its own (KIP-345). */
const NO_INSTANCE = null;
const NO_LEADER_EPOCH = -1;

/**
 * TxnOffsetCommit, version 3 (Kafka protocol guide, KIP-447), for the coordinator of the group. It refuses a member that it
 * does not know and a generation that is not the present one, without an effect; `NO_MEMBER` it does not look at.
 */
export function txnOffsetCommitRequest({ membership, positions, ...transaction }: TransactionalPositions): ProtocolRequest<object> {
  const { transactionalId, groupId, producerId, producerEpoch } = transaction;
  const request = flexibleRequest(
    TXN_OFFSET_COMMIT,
    (to) => {
      to.string(transactionalId).string(groupId).int64(BigInt(producerId)).int16(producerEpoch);
      to.int32(membership.generation).string(membership.memberId).string(NO_INSTANCE);
      to.structs([...Map.groupBy(positions, ({ topic }) => topic)], ([topic, its]) => {
        to.string(topic).structs(its, ({ partition, offset, metadata }) => {
          to.int32(partition)
            .int64(offset)
            .int32(NO_LEADER_EPOCH)
            .string(metadata ?? null);
        });
      });
    },
    (from) => {
      from.structs(() => {
        from.string(); // topic
        from.structs(() => {
          from.int32(); // partition
          throwUnlessOk(from.int16());
        });
      });
      return {};
    },
  );
  return { ...request, logResponseError: false };
}

const { GroupCoordinator, AddPartitionsToTxn, AddOffsetsToTxn, EndTxn } = kafkajsRequests as {
  GroupCoordinator: KafkajsRequest<{ groupId: string; coordinatorType: number }, { coordinator: { nodeId: number } }>;
  AddPartitionsToTxn: KafkajsRequest<InTransaction & { topics: readonly TopicPartitions[] }, unknown>;
  AddOffsetsToTxn: KafkajsRequest<InTransaction & { groupId: string }, unknown>;
  EndTxn: KafkajsRequest<InTransaction & { transactionResult: boolean }, unknown>;
};

/** Of what: FindCoordinator's "key type". */
export const COORDINATOR = { group: 0, transaction: 1 };

export const findCoordinatorRequest = GroupCoordinator.protocol({ version: 2 });
export const addPartitionsToTxnRequest = AddPartitionsToTxn.protocol({ version: 1 });
export const addOffsetsToTxnRequest = AddOffsetsToTxn.protocol({ version: 1 });
/** Version 1 leaves the producer's epoch as it is: one epoch spans thousands of transactions. */
export const endTxnRequest = EndTxn.protocol({ version: 1 });

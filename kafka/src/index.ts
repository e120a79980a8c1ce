export { ISOLATION, openCluster } from './cluster.ts';
export { createKafka, type KafkaConnection, type KafkaOptions } from './create-kafka.ts';
export { KafkaError, type KafkaErrorCode } from './errors.ts';
export {
  type CommittedOffset,
  commitOffsets,
  coordinatorOf,
  fetchOffsets,
  listOffsets,
  type PartitionOffsets,
  type TopicPartitionOffset,
} from './group-offsets.ts';
export { partitionsWithOffset, positionMetadata } from './position-metadata.ts';
export { type GroupMembership, heartbeatRequest, NO_MEMBER, offsetCommitRequest } from './wire/group.ts';
export { LOG_END, LOG_START } from './wire/offsets.ts';
export { hardenKafkajs, verifyHardening } from './hardening/harden-kafkajs.ts';
export type { HeaderPair } from './fetched-record.ts';
export { Connections, type Destination } from './connections/connections.ts';
export { PartitionReader, type ReadBatch, type ReaderEvents } from './read/partition-reader.ts';
export type { CorruptBatch, ReadableRecord, Unreadable } from './read/record-batches.ts';
export { showRefusals } from './coordinator-refusal.ts';
export { KafkaAdmin } from './kafka-admin.ts';
export { AssignerProtocol } from './kafkajs.ts';
export type { Log, LogLevel } from './log.ts';
export { missingApis } from './connections/needed-apis.ts';
export { isNotAuthorized, missingAcl, type NeededAcls, principalOf } from './missing-acl.ts';
export { partitionOf } from './partition-of.ts';
export { type ReadOptions, type ReadRecord, readTopics } from './read-topics.ts';
export { type OutgoingRecord, sendRecord, type SentRecord } from './send-record.ts';
export type { NewTopic, TopicDescription } from './topics.ts';
export { BatchesRefused, BatchProducer, type PartitionBatch, ProduceError } from './produce/batch-producer.ts';
export { crc32c } from './produce/crc32c.ts';
export type { ProducedBatch } from './produce/produce-request.ts';
export { HungTransaction } from './transactions/hung-transaction.ts';
export type { OpenTransaction } from './transactions/open-transactions.ts';
export { MarkersMissing } from './transactions/settlements.ts';
export { type Holder, TransactionalProducers, type TransactionalProducersOptions } from './transactions/transactional-producers.ts';
export { RecordBatchBuilder, type RecordToWrite, type WriteCodec } from './produce/record-batch.ts';

export { ISOLATION, openCluster } from './kafkajs/cluster.ts';
export { createKafka, type KafkaConnection, type KafkaOptions } from './kafkajs/create-kafka.ts';
export { KafkaError, type KafkaErrorCode } from './errors.ts';
export {
  type CommittedOffset,
  commitOffsets,
  coordinatorOf,
  fetchOffsets,
  listOffsets,
  type PartitionOffsets,
  type TopicPartitionOffset,
} from './group/group-offsets.ts';
export { partitionsWithOffset, positionMetadata } from './group/position-metadata.ts';
export { type GroupMembership, heartbeatRequest, NO_MEMBER, offsetCommitRequest } from './wire/group.ts';
export { LOG_END, LOG_START } from './wire/offsets.ts';
export { hardenKafkajs, verifyHardening } from './kafkajs/hardening/harden-kafkajs.ts';
export type { HeaderPair } from './wire/fetched-record.ts';
export { Connections, type Destination } from './connections/connections.ts';
export { PartitionReader, type ReadBatch, type ReaderEvents } from './read/partition-reader.ts';
export type { CorruptBatch, ReadableRecord, Unreadable } from './read/record-batches.ts';
export { showRefusals } from './refusals/coordinator-refusal.ts';
export { KafkaAdmin } from './admin/kafka-admin.ts';
export { AssignerProtocol } from './kafkajs/kafkajs.ts';
export type { Log, LogLevel } from './kafkajs/log.ts';
export { missingApis } from './connections/needed-apis.ts';
export { isNotAuthorized, missingAcl, type NeededAcls, principalOf } from './refusals/missing-acl.ts';
export { partitionOf } from './topics/partition-of.ts';
export { type ReadOptions, type ReadRecord, readTopics } from './topics/read-topics.ts';
export { type OutgoingRecord, sendRecord, type SentRecord } from './topics/send-record.ts';
export type { NewTopic, TopicDescription } from './topics/topics.ts';
export { BatchesRefused, BatchProducer, type PartitionBatch, ProduceError } from './produce/batch-producer.ts';
export { crc32c } from './produce/crc32c.ts';
export type { ProducedBatch } from './produce/produce-request.ts';
export { HungTransaction } from './transactions/hung-transaction.ts';
export type { OpenTransaction } from './transactions/open-transactions.ts';
export { MarkersMissing } from './transactions/settlements.ts';
export { type Holder, TransactionalProducers, type TransactionalProducersOptions } from './transactions/transactional-producers.ts';
export { RecordBatchBuilder, type RecordToWrite, type WriteCodec } from './produce/record-batch.ts';
export type { MemberBroker, MemberCluster } from './kafkajs/private-shape.ts';

export { createKafka, type KafkaConnection, type KafkaOptions } from './create-kafka.ts';
export { KafkaError, type KafkaConsequence, type KafkaErrorCode } from './errors.ts';
export { partitionOf } from './partition-of.ts';
export { onOffsetOutOfRange } from './hardening/offset-out-of-range.ts';
export type { HeaderPair } from './hardening/header-order.ts';
export { hardenKafkajs, verifyHardening } from './hardening/harden-kafkajs.ts';
export { AssignerProtocol } from './kafkajs.ts';
export type { Log, LogLevel } from './log.ts';

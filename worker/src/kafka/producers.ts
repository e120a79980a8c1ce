import type { Kafka, Message, Producer, Transaction as KafkajsTransaction } from 'kafkajs';
import type { OutputRecord, TaskProducer, TopicPosition, Transaction } from '../driver.ts';
import { rethrowSendError } from './broker-error.ts';
import { retryForProducer } from './producer-retry.ts';

interface TransactionalOptions { transactionalId: string; group: string; timeoutMs: number; throwIfOver: () => void }

/**
 * Fences the transactional id: when this resolves, no earlier holder can write and its last
 * transaction is complete (InitProducerId, KIP-98).
 */
export async function createTransactionalProducer(kafka: Kafka, options: TransactionalOptions): Promise<TaskProducer> {
  const producer = kafka.producer({
    transactionalId: options.transactionalId,
    transactionTimeout: options.timeoutMs,
    // `idempotent` would ask for a second producer id at connect; a transaction is idempotent anyway
    idempotent: false,
    allowAutoTopicCreation: false,
    retry: retryForProducer,
  });
  try {
    await producer.connect();
    options.throwIfOver();
    let prepared: KafkajsTransaction | null = await producer.transaction();
    return {
      begin: async () => {
        const transaction = prepared ?? await producer.transaction();
        prepared = null;
        return transactionOf(transaction, options.group);
      },
      discard: () => disconnect(producer),
    };
  } catch (error) {
    await disconnect(producer);
    throw error;
  }
}

function transactionOf(transaction: KafkajsTransaction, group: string): Transaction {
  return {
    send: async (topic, partition, records) => {
      await transaction.send({ topic, messages: toMessages(partition, records) }).catch(rethrowSendError(topic));
    },
    sendOffsets: (positions) => transaction.sendOffsets({ consumerGroupId: group, topics: toTopicOffsets(positions) }),
    commit: () => transaction.commit(),
  };
}

/** The same port with no transaction behind it: records first, then the offsets. */
export async function createIdempotentProducer(
  kafka: Kafka, commitOffsets: (positions: readonly TopicPosition[]) => Promise<void>,
): Promise<TaskProducer> {
  const producer = await connectIdempotent(kafka);
  return {
    begin: async () => {
      let positions: readonly TopicPosition[] = [];
      return {
        send: async (topic, partition, records) => {
          await producer.send({ topic, messages: toMessages(partition, records) }).catch(rethrowSendError(topic));
        },
        sendOffsets: async (all) => { positions = all; },
        commit: () => commitOffsets(positions),
      };
    },
    discard: () => disconnect(producer),
  };
}

export async function connectIdempotent(kafka: Kafka): Promise<Producer> {
  const producer = kafka.producer({ idempotent: true, allowAutoTopicCreation: false, retry: retryForProducer });
  try {
    await producer.connect();
    return producer;
  } catch (error) {
    await disconnect(producer);
    throw error;
  }
}

export function toMessages(partition: number, records: readonly OutputRecord[]): Message[] {
  // The hardened record encoder takes header pairs, so that order and doubles are kept
  return records.map(({ key, value, headers }) => ({ partition, key, value, headers: headers as never }));
}

function toTopicOffsets(positions: readonly TopicPosition[]) {
  return positions.map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, offset: String(offset) }] }));
}

export async function disconnect(producer: Producer): Promise<void> {
  await producer.disconnect().catch(() => undefined);
}

import type { Kafka, Message, Producer, Transaction as KafkajsTransaction } from 'kafkajs';
import type { AppendingProducer, OutputRecord, TaskProducer, TopicPosition, Transaction } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import { retryForProducer } from './producer-retry.ts';

interface TransactionalOptions { transactionalId: string; group: string; timeoutMs: number }

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

/** Appends records one by one; a producer that failed is replaced, since its sequence is spoilt. */
export class KafkajsAppendingProducer implements AppendingProducer {
  readonly #kafka: Kafka;
  readonly #choosePartition: (topic: string, key: Buffer | null) => Promise<number>;
  #producer: Promise<Producer> | null;

  constructor(kafka: Kafka, first: Producer, choosePartition: (topic: string, key: Buffer | null) => Promise<number>) {
    this.#kafka = kafka;
    this.#producer = Promise.resolve(first);
    this.#choosePartition = choosePartition;
  }

  async append(record: Omit<OutputRecord, 'partition'>): Promise<{ partition: number; offset: string }> {
    const partition = await this.#choosePartition(record.topic, record.key);
    const using = (this.#producer ??= connectIdempotent(this.#kafka));
    try {
      const producer = await using;
      const [appended] = await producer.send({ topic: record.topic, messages: toMessages(partition, [{ ...record, partition }]) });
      return { partition, offset: appended!.baseOffset ?? '' };
    } catch (error) {
      if (this.#producer === using) this.#producer = null;
      void using.then(disconnect, () => undefined);
      return rethrowSendError(record.topic)(error);
    }
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => null);
    if (producer) await disconnect(producer);
  }
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

function toMessages(partition: number, records: readonly OutputRecord[]): Message[] {
  // The hardened record encoder takes header pairs, so that order and doubles are kept
  return records.map(({ key, value, headers }) => ({ partition, key, value, headers: headers as never }));
}

function toTopicOffsets(positions: readonly TopicPosition[]) {
  return positions.map(({ topic, partition, offset }) => ({ topic, partitions: [{ partition, offset: String(offset) }] }));
}

const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];

function rethrowSendError(topic: string): (error: unknown) => never {
  return (error) => {
    if (TOO_LARGE.includes(brokerErrorType(error) ?? '')) {
      throw new WorkerError('output-too-large', 'permanent',
        `topic ${topic} takes no record of this size, raise its max.message.bytes`, { cause: error });
    }
    throw new WorkerError('broker-unavailable', 'systemic', `cannot write to ${topic}: ${messageOf(error)}`, { cause: error });
  };
}

/** kafkajs wraps what the broker said in one or two errors of its own. */
function brokerErrorType(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { type } = at as { type?: string };
    if (type) return type;
  }
  return undefined;
}

async function disconnect(producer: Producer): Promise<void> {
  await producer.disconnect().catch(() => undefined);
}

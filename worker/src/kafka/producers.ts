import {
  BatchesRefused,
  BatchProducer,
  type Connections,
  type GroupMembership,
  type Holder,
  HungTransaction,
  MarkersMissing,
  ProduceError,
  type PartitionBatch,
  type TransactionalProducers,
} from '@sagafleet/kafka';
import { RefusedBatch, type NotedPosition, type OutputBatch, type TaskProducer } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import { asMember, type Membership } from './as-member.ts';
import { brokerErrorType } from './broker-error.ts';

interface TransactionalOptions extends Holder {
  group: string;
  member: Membership;
  /** What is committed beside a position. */
  metadataOf: (position: NotedPosition) => string;
}

/**
 * Fences the transactional id: when this resolves, no earlier holder can write and its last
 * transaction is complete (InitProducerId, KIP-98), also where a coordinator left markers out (ADR 10).
 */
export async function createTransactionalProducer(producers: TransactionalProducers, options: TransactionalOptions): Promise<TaskProducer> {
  const { group, metadataOf, member, throwIfOver } = options;
  const producer = await producers.open(options).catch(throwHung);
  return {
    activate: () => producer.activate(),
    begin: async () => {
      const { membership } = member;
      return {
        isAtomic: true,
        send: (batches) => send(producer, batches),
        sendOffsets: (positions) => {
          const described = positions.map((position) => ({ ...position, metadata: metadataOf(position) }));
          return asMember({ member, first: membership, throwIfOver }, (as) => producer.sendOffsets(group, as, described));
        },
        commit: () => producer.commit(),
      };
    },
    settled: () => producer.settled.catch(throwUnsettled),
    discard: () => close(producer),
  };
}

/** For a task without transactions, whose step may have had them before. */
export function endLeftOpen(producers: TransactionalProducers, holder: Holder): Promise<void> {
  return producers.endLeftOpen(holder).catch(throwHung);
}

function throwHung(error: Error): never {
  if (error instanceof HungTransaction) throw new WorkerError('hung-transaction', 'systemic', error.message, { cause: error });
  throw error;
}

function throwUnsettled(error: Error): never {
  if (error instanceof MarkersMissing) throw new WorkerError('markers-missing', 'systemic', error.message, { cause: error });
  throw new WorkerError('broker-unavailable', 'systemic', `cannot see whether the last transaction is visible: ${messageOf(error)}`, {
    cause: error,
  });
}

interface IdempotentOptions {
  member: Membership;
  throwIfOver: () => void;
  commitOffsets: (as: GroupMembership, positions: readonly NotedPosition[]) => Promise<void>;
}

/** The same port with no transaction behind it: records first, then the offsets. */
export async function createIdempotentProducer(
  connections: Connections,
  { member, throwIfOver, commitOffsets }: IdempotentOptions,
): Promise<TaskProducer> {
  throwIfOver();
  const producer = await openIdempotent(connections);
  return {
    begin: async () => {
      const { membership } = member;
      let positions: readonly NotedPosition[] = [];
      return {
        isAtomic: false,
        send: (batches) => send(producer, batches),
        sendOffsets: async (all) => {
          positions = all;
        },
        commit: () => asMember({ member, first: membership, throwIfOver }, (as) => commitOffsets(as, positions)),
      };
    },
    discard: () => close(producer),
  };
}

export function openIdempotent(connections: Connections): Promise<BatchProducer> {
  return BatchProducer.openIdempotent(connections);
}

async function send(producer: BatchProducer, batches: readonly OutputBatch[]): Promise<RefusedBatch[]> {
  try {
    // Batches are this driver's own
    await producer.send(batches as readonly PartitionBatch[]);
    return [];
  } catch (error) {
    if (error instanceof BatchesRefused) return refusalsOf(batches, error);
    throw toSendError(batches, error);
  }
}

/** Of the same batches. */
export function refusalsOf(batches: readonly OutputBatch[], { refused }: BatchesRefused): RefusedBatch[] {
  return refused.map((error) => {
    const batch = batches.find(({ topic, partition }) => topic === error.topic && partition === error.partition)!;
    return new RefusedBatch(brokerErrorType(error) === 'INVALID_RECORD' ? 'output-refused' : 'output-too-large', batch, { cause: error });
  });
}

export function toSendError(batches: readonly Pick<OutputBatch, 'topic'>[], error: unknown): WorkerError {
  const type = brokerErrorType(error) ?? '';
  const topics = [...new Set(batches.map(({ topic }) => topic))].join(', ');
  if (type === 'UNKNOWN_TOPIC_OR_PARTITION') {
    const missing = error instanceof ProduceError ? error.topic : topics;
    return new WorkerError(
      'topic-missing',
      'systemic',
      `topic ${missing} does not exist, or lacks a partition that it had: create it, or apply the step again`,
      { cause: error },
    );
  }
  return new WorkerError('broker-unavailable', 'systemic', `cannot write to ${topics}: ${messageOf(error)}`, { cause: error });
}

async function close(producer: BatchProducer): Promise<void> {
  await producer.close().catch(() => undefined);
}

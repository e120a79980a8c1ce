import type { Override } from './override.ts';
import type { FetchedRecord as AbortableRecord } from './aborted-records.ts';

type FetchedRecord = AbortableRecord & { batchContext: { topic: string; partition: number } };
interface PartitionData { partition: number; messages: FetchedRecord[]; abortedTransactions?: unknown }
interface Batch { rawMessages: FetchedRecord[]; messagesWithinOffset: FetchedRecord[]; messages: FetchedRecord[] }
type BatchClass = new (topic: string, fetchedOffset: string, data: PartitionData) => Batch;
type FilterAborted = (fetched: { messages: FetchedRecord[]; abortedTransactions: unknown }) => FetchedRecord[];

/**
 * kafkajs parses the offset of every record into a Long, to find those before the one that was asked
 * for, and copies its lists of records twice. Such records can only stand in front. Records are also
 * told where they come from.
 */
function asking(Stock: BatchClass, filterAborted: FilterAborted): BatchClass {
  return class FetchedBatch extends Stock {
    constructor(topic: string, fetchedOffset: string, data: PartitionData) {
      super(topic, fetchedOffset, { ...data, messages: [] });
      const { messages, abortedTransactions } = data;
      this.rawMessages = messages;
      place(messages, topic, data.partition);
      this.messagesWithinOffset = since(fetchedOffset, messages);
      this.messages = withoutControl(filterAborted({ messages: this.messagesWithinOffset, abortedTransactions }));
    }
  };
}

function place(messages: readonly FetchedRecord[], topic: string, partition: number): void {
  for (const { batchContext } of messages) {
    batchContext.topic = topic;
    batchContext.partition = partition;
  }
}

function since(fetchedOffset: string, messages: FetchedRecord[]): FetchedRecord[] {
  const first = BigInt(fetchedOffset);
  const before = messages.findIndex(({ offset }) => BigInt(offset) >= first);
  if (before === 0) return messages;
  return before === -1 ? [] : messages.slice(before);
}

function withoutControl(messages: FetchedRecord[]): FetchedRecord[] {
  return messages.some(({ isControlRecord }) => isControlRecord) ? messages.filter(({ isControlRecord }) => !isControlRecord) : messages;
}

const BATCH = 'consumer/batch';

const repaired = new WeakSet<BatchClass>();

export const fetchedBatches: Override = {
  name: 'fetched-batches',
  install: (internals) => {
    const filterAborted = internals.load('consumer/filterAbortedMessages') as FilterAborted;
    internals.replace(BATCH, (Stock: BatchClass) => {
      const Repaired = asking(Stock, filterAborted);
      repaired.add(Repaired);
      return Repaired;
    });
  },
  isActive: (internals) => repaired.has(internals.load(BATCH) as BatchClass),
};

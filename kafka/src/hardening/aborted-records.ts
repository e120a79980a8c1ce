import type { Override } from './override.ts';

export interface FetchedRecord {
  offset: string;
  isControlRecord: boolean;
  batchContext: { producerId: string; inTransaction: boolean; isControlBatch: boolean };
}

export interface AbortedTransaction { producerId: string; firstOffset: string }

interface Fetched { messages: FetchedRecord[]; abortedTransactions?: AbortedTransaction[] | null }

/**
 * The records of a fetch without those of aborted transactions; control records stay.
 *
 * kafkajs expects the list of aborted transactions in order of their first offsets (brokers sort by
 * the end of the transaction), starts at most one of them per record, and takes a record with the key
 * `00000000` for an abort marker: each lets aborted records through to a read-committed consumer.
 * A transaction ends with the control record of its producer, as in Kafka's `CompletedFetch`.
 */
export function withoutAbortedRecords({ messages, abortedTransactions }: Fetched): FetchedRecord[] {
  if (!abortedTransactions?.length) return messages;

  const upcoming = abortedTransactions
    .map(({ producerId, firstOffset }) => ({ producerId, firstOffset: BigInt(firstOffset) }))
    .sort((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1));
  const aborting = new Set<string>();
  let next = 0;

  return messages.filter(({ offset, isControlRecord, batchContext }) => {
    for (let begun = upcoming[next]; begun && begun.firstOffset <= BigInt(offset); begun = upcoming[++next]) {
      aborting.add(begun.producerId);
    }
    if (batchContext.isControlBatch) aborting.delete(batchContext.producerId);
    if (isControlRecord) return true;
    return !(batchContext.inTransaction && aborting.has(batchContext.producerId));
  });
}

const FILTER = 'consumer/filterAbortedMessages';

type BatchClass = new (topic: string, offset: string, data: object) => { messages: FetchedRecord[] };

export const abortedRecords: Override = {
  name: 'aborted-records',
  install: (internals) => internals.replace(FILTER, () => withoutAbortedRecords),
  isActive: (internals) => {
    const Batch = internals.load('consumer/batch') as BatchClass;
    const record = (offset: string, producerId: string) =>
      ({ offset, key: null, isControlRecord: false, batchContext: { producerId, inTransaction: true } });
    const batch = new Batch('topic', '0', {
      partition: 0,
      highWatermark: '2',
      messages: [record('0', 'a'), record('1', 'b')],
      abortedTransactions: [{ producerId: 'b', firstOffset: '1' }, { producerId: 'a', firstOffset: '0' }],
    });
    return batch.messages.length === 0;
  },
};

import type { Override, Prototype } from './override.ts';

interface BatchMethods { isEmpty(): boolean; isEmptyDueToFiltering(): boolean }
type FilteredBatch = BatchMethods & { rawMessages: unknown[] };
type BatchClass = Prototype<BatchMethods>;

/** A batch is empty only when the fetch brought nothing at all. */
function isEmpty(this: FilteredBatch): boolean {
  return this.rawMessages.length === 0;
}

function isEmptyDueToFiltering(): boolean {
  return false;
}

/**
 * A batch of control or aborted records only moves kafkajs' own position with no callback, so that
 * a consumer that commits by itself never learns of it: its group stays behind the end of the log
 * and an autoscaler never sees lag 0. Such a batch is handed over like others, without records.
 */
export const controlBatches: Override = {
  name: 'control-batches',
  install: (internals) => {
    Object.assign((internals.load('consumer/batch') as BatchClass).prototype, { isEmpty, isEmptyDueToFiltering });
  },
  isActive: (internals) => {
    const { prototype } = internals.load('consumer/batch') as BatchClass;
    return prototype.isEmpty === isEmpty && prototype.isEmptyDueToFiltering === isEmptyDueToFiltering;
  },
};

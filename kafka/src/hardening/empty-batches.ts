import type { Override } from './override.ts';

interface RecordBatch {
  firstOffset: string;
  lastOffsetDelta: number;
  records: object[];
}

type Decode = (decoder: object) => Promise<RecordBatch>;

/**
 * Compaction keeps the last batch of a producer also when no record of it is left. kafkajs knows the
 * position from records alone, so a consumer that comes to such batches at the end of a log stays
 * before them for ever. A control record, which nobody is shown, stands for the end of the batch.
 */
function withEndOfEmptyBatches(decode: Decode): Decode {
  return async (decoder) => {
    const batch = await decode(decoder);
    if (batch.records.length > 0) return batch;
    const { records: _none, ...batchContext } = batch;
    const offset = String(BigInt(batch.firstOffset) + BigInt(batch.lastOffsetDelta));
    return {
      ...batch,
      records: [{ offset, key: null, value: null, headers: {}, isControlRecord: true, batchContext }],
    };
  };
}

const DECODER = 'protocol/recordBatch/v0/decoder';

const repaired = new WeakSet<Decode>();

export const emptyBatches: Override = {
  name: 'empty-batches',
  install: (internals) => internals.replace(DECODER, (stock: Decode) => {
    const decode = withEndOfEmptyBatches(stock);
    repaired.add(decode);
    return decode;
  }),
  isActive: (internals) => repaired.has(internals.load(DECODER) as Decode),
};

import { BatchesRefused, RecordBatchBuilder, type BatchProducer, type Connections } from '@sagafleet/kafka';
import type { AppendingProducer, OutputRecord } from '../driver.ts';
import { RefusedBatch } from '../driver.ts';
import { openIdempotent, refusalsOf, toSendError } from './producers.ts';

const MAX_RECORDS_PER_SEND = 1_000;
/** Below the 1 MiB that a default topic takes for one record batch; a larger record goes alone. */
const MAX_BYTES_PER_SEND = 900_000;
const RECORD_OVERHEAD_BYTES = 256;

interface Waiting {
  record: OutputRecord;
  resolve: (offset: string) => void;
  reject: (error: unknown) => void;
}

/** One partition's: a producer of its own, so that a send that fails takes no other partition's with it. */
interface Lane {
  topic: string;
  partition: number;
  waiting: Waiting[];
  isSending: boolean;
  producer: Promise<BatchProducer> | null;
}

/**
 * One send at a time for each partition: what comes while it is under way goes together in the next,
 * so that the rate does not depend on the broker's answer time.
 */
export class KafkajsAppendingProducer implements AppendingProducer {
  readonly #connections: Connections;
  readonly #lanes = new Map<string, Lane>();

  constructor(connections: Connections) {
    this.#connections = connections;
  }

  append(record: OutputRecord): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const lane = this.#laneOf(record);
    lane.waiting.push({ record, resolve, reject });
    if (!lane.isSending) void this.#drain(lane);
    return promise;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#lanes.values()].map((lane) => closeProducer(lane)));
  }

  #laneOf({ topic, partition }: OutputRecord): Lane {
    const name = `${topic}/${partition}`;
    const lane = this.#lanes.get(name) ?? { topic, partition, waiting: [], isSending: false, producer: null };
    this.#lanes.set(name, lane);
    return lane;
  }

  async #drain(lane: Lane): Promise<void> {
    lane.isSending = true;
    while (lane.waiting.length > 0) await this.#sendAll(lane, lane.waiting.splice(0, countForOneSend(lane.waiting)));
    lane.isSending = false;
  }

  async #sendAll(lane: Lane, batch: readonly Waiting[], isCompressed = false): Promise<void> {
    try {
      const records = RecordBatchBuilder.of(batch.map(({ record }) => record));
      if (isCompressed) records.compress();
      const baseOffset = await this.#send(lane, records);
      batch.forEach(({ resolve }, at) => resolve(String(baseOffset + BigInt(at))));
    } catch (error) {
      if (error instanceof RefusedBatch && batch.length > 1) for (const each of batch) await this.#sendAll(lane, [each]);
      else if (error instanceof RefusedBatch && error.code === 'output-too-large' && !isCompressed) await this.#sendAll(lane, batch, true);
      else for (const { reject } of batch) reject(error);
    }
  }

  /** After any error the producer's sequence is spoilt: the next send opens another. */
  async #send(lane: Lane, records: RecordBatchBuilder): Promise<bigint> {
    const batches = [{ topic: lane.topic, partition: lane.partition, records }];
    try {
      const producer = await (lane.producer ??= openIdempotent(this.#connections));
      const [appended] = await producer.send(batches);
      return appended!.baseOffset;
    } catch (error) {
      await closeProducer(lane);
      throw error instanceof BatchesRefused ? refusalsOf(batches, error)[0]! : toSendError(batches, error);
    }
  }
}

async function closeProducer(lane: Lane): Promise<void> {
  const producer = lane.producer;
  lane.producer = null;
  await producer?.then((opened) => opened.close()).catch(() => undefined);
}

function countForOneSend(lane: readonly Waiting[]): number {
  let bytes = 0;
  const tooMany = lane.findIndex(({ record }, at) => {
    bytes += RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
    return at > 0 && (at === MAX_RECORDS_PER_SEND || bytes > MAX_BYTES_PER_SEND);
  });
  return tooMany === -1 ? lane.length : tooMany;
}

import type { Kafka, Producer } from 'kafkajs';
import type { AppendingProducer, OutputRecord } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import { rethrowSendError } from './broker-error.ts';
import { connectIdempotent, disconnect, toMessages } from './producers.ts';

const MAX_RECORDS_PER_SEND = 1_000;
/** Below the 1 MiB that a default topic takes for one record batch; a larger record goes alone. */
const MAX_BYTES_PER_SEND = 900_000;
const RECORD_OVERHEAD_BYTES = 256;

interface Waiting { record: OutputRecord; resolve: (offset: string) => void; reject: (error: unknown) => void }

/**
 * One send at a time for each partition: what comes while it is under way goes together in the next,
 * so that the rate does not depend on the broker's answer time.
 */
export class KafkajsAppendingProducer implements AppendingProducer {
  readonly #kafka: Kafka;
  /** By topic partition, for as long as it has something to send. */
  readonly #lanes = new Map<string, Waiting[]>();
  #producer: Promise<Producer> | null = null;

  constructor(kafka: Kafka) {
    this.#kafka = kafka;
  }

  append(record: OutputRecord): Promise<string> {
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const name = `${record.topic}/${record.partition}`;
    const lane = this.#lanes.get(name);
    if (lane) {
      lane.push({ record, resolve, reject });
    } else {
      const opened = [{ record, resolve, reject }];
      this.#lanes.set(name, opened);
      void this.#drain(name, opened);
    }
    return promise;
  }

  async close(): Promise<void> {
    const producer = await this.#producer?.catch(() => null);
    if (producer) await disconnect(producer);
  }

  async #drain(name: string, lane: Waiting[]): Promise<void> {
    while (lane.length > 0) await this.#sendAll(lane.splice(0, countForOneSend(lane)));
    this.#lanes.delete(name);
  }

  async #sendAll(batch: readonly Waiting[]): Promise<void> {
    try {
      const baseOffset = await this.#send(batch.map(({ record }) => record));
      batch.forEach(({ resolve }, at) => resolve(String(baseOffset + BigInt(at))));
    } catch (error) {
      const isTooLarge = error instanceof WorkerError && error.code === 'output-too-large';
      if (isTooLarge && batch.length > 1) for (const each of batch) await this.#sendAll([each]);
      else for (const { reject } of batch) reject(error);
    }
  }

  async #send(records: readonly OutputRecord[]): Promise<bigint> {
    const [{ topic, partition }] = records as [OutputRecord];
    const using = (this.#producer ??= connectIdempotent(this.#kafka));
    try {
      const producer = await using;
      const [appended] = await producer.send({ topic, messages: toMessages(partition, records) }).catch(rethrowSendError(topic));
      return BigInt(appended!.baseOffset!);
    } catch (error) {
      const wasRefused = error instanceof WorkerError && error.code === 'output-too-large';
      if (!wasRefused) this.#replace(using);
      throw error;
    }
  }

  /** After a send with an unknown outcome a producer's sequence is spoilt. */
  #replace(using: Promise<Producer>): void {
    if (this.#producer !== using) return;
    this.#producer = null;
    void using.then(disconnect, () => undefined);
  }
}

function countForOneSend(lane: readonly Waiting[]): number {
  let bytes = 0;
  const tooMany = lane.findIndex(({ record }, at) => {
    bytes += RECORD_OVERHEAD_BYTES + (record.key?.length ?? 0) + (record.value?.length ?? 0);
    return at > 0 && (at === MAX_RECORDS_PER_SEND || bytes > MAX_BYTES_PER_SEND);
  });
  return tooMany === -1 ? lane.length : tooMany;
}

import type { InputRecord, NotedPosition, RefusedBatch, Transaction } from '../driver.ts';
import type { Failed, OutputChunk, Outputs } from './outputs.ts';
import { StageFailure } from './run-step.ts';
import type { SizeLimits } from './size-limits.ts';

/** What is written in one transaction. */
export interface Work {
  outputs: Pick<Outputs, 'rounds' | 'failures'>;
  positions: readonly NotedPosition[];
}
/** `deadLetters`: of records of which something was refused for good. */
export interface WriteOptions {
  sizeLimits: Pick<SizeLimits, 'bytesFor' | 'fit' | 'learn' | 'refuse' | 'written'>;
  throwIfLost: () => void;
  deadLetters: (failures: ReadonlyMap<InputRecord, StageFailure>) => Outputs;
}
/** By the record whose dead letter was written. */
export type Failures = ReadonlyMap<InputRecord, Failed>;

/**
 * Writes the outputs and moves the positions in one transaction; returns why dead letters are among what was written. Any
 * error leaves its outcome unknown: the caller discards the producer.
 */
export async function writeTransaction(transaction: Transaction, { outputs, positions }: Work, options: WriteOptions): Promise<Failures> {
  const { sizeLimits, throwIfLost } = options;
  const outgoing = new Outgoing(transaction, options);
  const writing = [outgoing.send(outputs), transaction.sendOffsets(positions)];
  // The caller discards the producer after an error: what is still under way would connect it again
  await Promise.allSettled(writing);
  await Promise.all(writing);
  throwIfLost();
  await transaction.commit();
  sizeLimits.written(positions);
  return outgoing.failures;
}

interface Refused {
  source: InputRecord;
  failure: StageFailure;
  isDeadLetter: boolean;
  error: RefusedBatch;
}

/** The sends of one transaction. What a topic refuses is sent again, in another form, and nothing else is. */
class Outgoing {
  readonly failures = new Map<InputRecord, Failed>();
  readonly #transaction: Transaction;
  readonly #options: WriteOptions;

  constructor(transaction: Transaction, options: WriteOptions) {
    this.#transaction = transaction;
    this.#options = options;
  }

  /** Dead letters first: where none is taken the task tries again and again, and is not to write the others each time. */
  async send({ rounds, failures }: Work['outputs']): Promise<void> {
    if (failures.size === 0) return this.#sendAll(rounds);
    for (const [source, failed] of failures) this.failures.set(source, failed);
    const isDeadLetter = ({ sources }: OutputChunk) => failures.has(sources[0]!);
    await this.#sendAll(rounds.map((round) => round.filter(isDeadLetter)));
    await this.#sendAll(rounds.map((round) => round.filter((chunk) => !isDeadLetter(chunk))));
  }

  async #sendAll(rounds: readonly OutputChunk[][]): Promise<void> {
    const refused: Refused[] = [];
    for (const round of rounds) if (round.length > 0) await this.#sendRound(round, refused);
    if (refused.length === 0) return;
    // Other outputs of the record are written: where these can be given up, the next try has a dead letter in place of all
    const output = refused.find(({ isDeadLetter }) => !isDeadLetter);
    if (output && this.#transaction.isAtomic) throw output.error;
    const inOrder = refused.sort((a, b) => Number(BigInt(a.source.offset) - BigInt(b.source.offset)));
    await this.send(this.#options.deadLetters(new Map(inOrder.map(({ source, failure }) => [source, failure]))));
  }

  /** A part of a batch is sent when the one before is written, so that records keep their order. */
  async #sendRound(round: readonly OutputChunk[], refused: Refused[]): Promise<void> {
    const refusals = await this.#transaction.send(round);
    this.#options.throwIfLost();
    const parts = refusals.map((error) => {
      const chunk = round.find(({ topic, partition }) => topic === error.topic && partition === error.partition)!;
      const smaller = this.#smallerThan(chunk, error);
      if (smaller.length === 0) refused.push(this.#refuse(chunk.sources[0]!, error));
      return smaller;
    });
    for (let at = 0; parts.some(({ length }) => length > at); at++)
      await this.#sendRound(
        parts.flatMap((each) => each.slice(at, at + 1)),
        refused,
      );
  }

  /** Known at once: where the transaction takes too long, the next try finds fewer of them. */
  #refuse(source: InputRecord, error: RefusedBatch): Refused {
    const failed = this.failures.get(source);
    this.#options.sizeLimits.refuse(source, error, failed !== undefined);
    this.failures.delete(source);
    return { source, error, isDeadLetter: failed !== undefined, failure: failed?.error ?? new StageFailure('produce', error) };
  }

  /** What is sent in place of a batch that was refused; nothing where that was all that can be done. */
  #smallerThan(chunk: OutputChunk, { code }: RefusedBatch): OutputChunk[] {
    const { sizeLimits } = this.#options;
    const { topic, records, sources } = chunk;
    const half = Math.floor(records.bytes / 2);
    const isTooLarge = code === 'output-too-large';
    if (isTooLarge) sizeLimits.learn(topic, records);
    if (records.count === 1) return isTooLarge && !records.isCompressed && sizeLimits.fit(topic, records) ? [chunk] : [];
    let at = 0;
    return records
      .split(isTooLarge ? Math.min(half, sizeLimits.bytesFor(topic)) : half)
      .map((part) => ({ ...chunk, records: part, sources: sources.slice(at, (at += part.count)) }));
  }
}

import type { Driver, TaskProducer, Transaction } from '../driver.ts';
import type { WorkerError } from '../errors.ts';
import { type Failures, type Work, writeTransaction, type WriteOptions } from '../pipeline/transaction.ts';
import { Stopwatch, type Timing } from '../timing.ts';

export interface WriterPorts extends WriteOptions {
  fenceTask: Driver['fenceTask'];
  timing: Timing;
  /** What was committed last may never become visible, unless the task starts again. */
  onUnsettled(error: WorkerError): void;
}

/**
 * The transactions of one task, one after the other, with the producer that fenced the owner before. After any error it is
 * not known what became of the last one: the producer is discarded, and the next start reads it from the offsets.
 */
export class Writer {
  readonly #ports: WriterPorts;
  readonly #stopwatch: Stopwatch;
  #producer: TaskProducer | null = null;
  #isCertain = false;
  /** The transaction under way, or the last one. */
  #written: Promise<void> = Promise.resolve();

  constructor(ports: WriterPorts) {
    this.#ports = ports;
    this.#stopwatch = new Stopwatch(ports.timing);
  }

  /** No transaction was begun since the positions were known. */
  get isCertain(): boolean {
    return this.#isCertain;
  }

  get lastsMs(): number {
    return this.#stopwatch.lastsMs;
  }

  /** Settles with the transaction that was begun last. */
  get written(): Promise<void> {
    return this.#written;
  }

  async fence(...args: Parameters<Driver['fenceTask']>): Promise<void> {
    this.#written = Promise.resolve();
    this.#producer = await this.#ports.fenceTask(...args);
  }

  async activate(): Promise<void> {
    await this.#producer!.activate?.();
    this.#isCertain = true;
  }

  /** Only once the one before is written. `onCommitted`: right after the commit. */
  begin(work: Work, onCommitted: (failures: Failures) => void = () => undefined): void {
    this.#written = this.#stopwatch.during(() => this.#write(work, onCommitted));
    // Whoever waits for it next is told of its failure
    this.#written.catch(() => undefined);
  }

  /** Resolves when what was committed last is visible. */
  async settled(): Promise<void> {
    await this.#producer?.settled?.();
  }

  async discard(): Promise<void> {
    const producer = this.#producer;
    this.#producer = null;
    await producer?.discard();
  }

  async #write(work: Work, onCommitted: (failures: Failures) => void): Promise<void> {
    const producer = this.#producer!;
    this.#isCertain = false;
    const transaction: Transaction = await producer.begin();
    const failures = await writeTransaction(transaction, work, this.#ports);
    this.#isCertain = true;
    // Also where no record follows: readers stand still at what is not visible
    producer.settled?.().catch((error: WorkerError) => {
      if (producer === this.#producer) this.#ports.onUnsettled(error);
    });
    onCommitted(failures);
  }
}

/** How many records a task takes at once: fewer after trouble, and twice as many after each batch that was committed. */
export class BatchSize {
  readonly #max: number;
  #records: number;
  #last: number;

  constructor(maxRecords: number) {
    this.#max = maxRecords;
    this.#records = maxRecords;
    this.#last = maxRecords;
  }

  get records(): number {
    return this.#records;
  }

  /** So many were taken, and it is not known yet what becomes of them. */
  taken(records: number): void {
    if (records > 0) this.#last = records;
  }

  committed(): void {
    this.#records = Math.min(this.#max, this.#records * 2);
  }

  /** They were not committed: the task was lost, or a transaction failed. */
  failed(): void {
    this.#records = Math.max(1, Math.floor(Math.min(this.#last, this.#records) / 2));
  }

  /** One of the next records may have ended a worker. */
  beginWithOne(): void {
    this.#records = 1;
  }
}

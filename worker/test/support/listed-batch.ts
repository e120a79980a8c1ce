import type { OutputRecord, RecordBatch } from '../../src/driver.ts';

/** A batch that keeps its records, so that a test can look at them. */
export class ListedBatch implements RecordBatch {
  readonly records: OutputRecord[] = [];
  readonly #ratio: number;
  isCompressed = false;

  /** @param ratio what is left of it when it is compressed */
  constructor(ratio = 1) {
    this.#ratio = ratio;
  }

  get count(): number {
    return this.records.length;
  }

  get bytes(): number {
    return Math.ceil(this.records.reduce((sum, record) => sum + bytesOf(record), 0) * (this.isCompressed ? this.#ratio : 1));
  }

  add(record: OutputRecord, maxBytes: number): boolean {
    if (this.count > 0 && this.bytes + bytesOf(record) > maxBytes) return false;
    this.records.push(record);
    return true;
  }

  compress(): void {
    this.isCompressed = this.#ratio < 1;
  }

  split(maxBytes: number): ListedBatch[] {
    const parts: ListedBatch[] = [];
    for (const record of this.records) {
      if (parts.at(-1)?.add(record, maxBytes)) continue;
      const part = new ListedBatch(this.#ratio);
      part.add(record, maxBytes);
      parts.push(part);
    }
    return parts;
  }
}

export function recordsOf(batch: RecordBatch): readonly OutputRecord[] {
  return (batch as ListedBatch).records;
}

function bytesOf({ key, value, constantHeaders, headers }: OutputRecord): number {
  return [key, value, ...[...constantHeaders, ...headers].flat()].reduce((sum, part) => sum + (part?.length ?? 0), 0);
}

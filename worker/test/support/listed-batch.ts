import type { OutputRecord, RecordBatch } from '../../src/driver.ts';

/** A batch that keeps its records, so that a test can look at them. */
export class ListedBatch implements RecordBatch {
  readonly records: OutputRecord[] = [];
  isCompressed = false;

  get count(): number {
    return this.records.length;
  }

  get bytes(): number {
    return this.records.reduce((sum, record) => sum + bytesOf(record), 0);
  }

  add(record: OutputRecord, maxBytes: number): boolean {
    if (this.count > 0 && this.bytes + bytesOf(record) > maxBytes) return false;
    this.records.push(record);
    return true;
  }

  compress(): void {
    this.isCompressed = true;
  }
}

export function recordsOf(batch: RecordBatch): readonly OutputRecord[] {
  return (batch as ListedBatch).records;
}

function bytesOf({ key, value, constantHeaders, headers }: OutputRecord): number {
  return [key, value, ...[...constantHeaders, ...headers].flat()].reduce((sum, part) => sum + (part?.length ?? 0), 0);
}

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a broker says that it calls a transaction complete although a partition got no marker. */
const SKIPPED = 'these partitions are likely deleted already and hence can be skipped';

/** How many transactions of these ids had markers skipped, by the brokers' own logs, up to now. */
export function countSkippedMarkers(logsDir: string, brokers: number, idPrefix: string): number {
  return Array.from({ length: brokers }, (_, at) => join(logsDir, `kafka-${at + 1}.log`))
    .filter((file) => existsSync(file))
    .flatMap((file) => readFileSync(file, 'utf8').split('\n'))
    .filter((line) => line.includes(SKIPPED) && line.includes(idPrefix)).length;
}

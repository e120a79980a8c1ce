import { createRequire } from 'node:module';
import './kafkajs.ts';

const murmur2 = createRequire(import.meta.url)('kafkajs/src/producer/partitioners/default/murmur2') as
  (key: Buffer) => number;

/** The partition of a key as Java clients choose it: murmur2, sign bit dropped, modulo. */
export function partitionOf(key: Buffer, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

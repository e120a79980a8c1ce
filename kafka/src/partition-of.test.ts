import { expect, test } from 'vitest';
import { partitionOf } from './partition-of.ts';

// Hashes of Kafka's own Utils.murmur2 tests (org.apache.kafka.common.utils.UtilsTest.testMurmur2)
const HASHES: Record<string, number> = {
  '21': -973932308, foobar: -790332482, 'a-little-bit-long-string': -985981536, 'a-little-bit-longer-string': -1486304829,
};

test.each(Object.entries(HASHES))('%s goes where a Java client puts it', (key, hash) => {
  expect(partitionOf(Buffer.from(key), 1_000_003)).toBe((hash & 0x7fffffff) % 1_000_003);
});

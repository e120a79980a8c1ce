import { describe, expect, test } from 'vitest';
import { type ApiVersions } from '../kafkajs/private-shape.ts';
import { missingApis } from './needed-apis.ts';

const upTo = (maxVersion: number) => ({ minVersion: 0, maxVersion });
const KAFKA_3_1: ApiVersions = { 1: upTo(13), 2: upTo(7), 3: upTo(12), 9: upTo(8), 22: upTo(4), 28: upTo(3), 61: upTo(0), 65: upTo(0) };

describe('a broker lacks', () => {
  test.each(
    Object.entries({
      'nothing from Kafka 3.1 on': { offers: KAFKA_3_1, lacks: [] },
      'the versions that came later than it': {
        offers: { ...KAFKA_3_1, 1: upTo(12), 3: upTo(11) },
        lacks: ['Fetch (version 13)', 'Metadata (version 12)'],
      },
      'versions that it has dropped': {
        offers: { ...KAFKA_3_1, 2: { minVersion: 8, maxVersion: 10 } },
        lacks: ['ListOffsets (version 7)'],
      },
      'what a managed service hides': { offers: { ...KAFKA_3_1, 65: undefined }, lacks: ['DescribeTransactions (version 0)'] },
      'nothing that is for transactions where there are none': {
        offers: { ...KAFKA_3_1, 61: undefined, 65: undefined },
        transactions: false,
        lacks: [],
      },
    } satisfies Record<string, { offers: object; transactions?: boolean; lacks: string[] }>),
  )('%s', (_, { offers, lacks, ...options }) => {
    expect(missingApis(offers as ApiVersions, { transactions: true, ...options })).toEqual(lacks);
  });
});

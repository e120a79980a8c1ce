import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { offsetRetention } from './offset-retention.ts';
import type { Override } from './override.ts';

const OFFSET_COMMIT = 8;
/** What brokers of Kafka 4 take. */
const BROKER = { [OFFSET_COMMIT]: { minVersion: 2, maxVersion: 9 } };
const RETENTION_MS = 0x1234_5678;

type CreateRequest = (fields: object) => { request: { encode(): Promise<{ buffer: Buffer }> } };
interface Requests { lookup(versions: object): (apiKey: number, definition: unknown) => CreateRequest }

/** Whether a commit tells a broker how long it is to be kept. */
async function tellsRetention(...overrides: Override[]): Promise<boolean> {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  const { lookup } = copy.internals.load('protocol/requests') as Requests;
  const create = lookup(BROKER)(OFFSET_COMMIT, copy.internals.load('protocol/requests/offsetCommit'));
  const { request } = create({ groupId: 'g', groupGenerationId: -1, memberId: '', retentionTime: RETENTION_MS, topics: [] });
  const { buffer } = await request.encode();
  const told = Buffer.alloc(8);
  told.writeBigInt64BE(BigInt(RETENTION_MS));
  return buffer.includes(told);
}

test('a commit says how long it is to be kept', async () => {
  expect(await tellsRetention(offsetRetention)).toBe(true);
});

test('kafkajs as published drops it', async () => {
  expect(await tellsRetention()).toBe(false);
});

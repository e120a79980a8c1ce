import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../../test/private-copy.ts';
import type { Override } from './override.ts';
import { requestCopies } from './request-copies.ts';

interface Encoder {
  writeString(text: string): Encoder;
  writeBytes(bytes: Buffer): Encoder;
  buffer: Buffer;
}
type CreateRequest = (request: object) => Promise<{ buffer: Buffer }>;

async function requestOf(clientId: string, payload: Buffer, ...overrides: Override[]): Promise<Buffer> {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  const Encoder = copy.internals.load('protocol/encoder') as new () => Encoder;
  const createRequest = copy.internals.load('protocol/request') as CreateRequest;
  const encode = async () => new Encoder().writeString('topic').writeBytes(payload);
  return (await createRequest({ correlationId: 77, clientId, request: { apiKey: 9, apiVersion: 3, encode } })).buffer;
}

test.each([
  ['a short request', Buffer.from('v')],
  ['a long one', Buffer.alloc(5_000, 7)],
])('%s is as kafkajs sends it', async (_, payload) => {
  expect(await requestOf('clientü', payload, requestCopies)).toEqual(await requestOf('clientü', payload));
});

test.each([
  ['as published takes far more room than the request', [], true],
  ['repaired takes just its room', [requestCopies], false],
] as const)('kafkajs %s', async (_, overrides, isWasteful) => {
  const { buffer, length } = await requestOf('client', Buffer.alloc(600_000), ...overrides);
  expect(buffer.byteLength > 1.5 * length).toBe(isWasteful);
});

import { describe, expect, test } from 'vitest';
import { produceRequest } from './produce-request.ts';

const int16 = (value: number) => {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
};
const int32 = (value: number) => {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
};
const int64 = (value: bigint) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
};
const text = (value: string) => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);

// Kafka protocol guide, "Produce Request (Version: 7)"
describe('a produce request', () => {
  const batches = [
    { topic: 'ä', partition: 2, bytes: Buffer.from('one') },
    { topic: 'b', partition: 0, bytes: Buffer.from('two') },
    { topic: 'ä', partition: 7, bytes: Buffer.from('three') },
  ];
  const body = Buffer.concat([
    int16(-1),
    int32(30_000),
    int32(2),
    text('ä'),
    int32(2),
    int32(2),
    int32(3),
    Buffer.from('one'),
    int32(7),
    int32(5),
    Buffer.from('three'),
    text('b'),
    int32(1),
    int32(0),
    int32(3),
    Buffer.from('two'),
  ]);

  test.each([
    ['of a transaction', 'id', text('id')],
    ['without one', null, int16(-1)],
  ])('%s holds the batches of all topics', async (_, id, head) => {
    const { request } = produceRequest(batches, id, 30_000);
    expect(request).toMatchObject({ apiKey: 0, apiVersion: 7, apiName: 'Produce' });
    expect(Buffer.concat((await request.encode()).parts)).toEqual(Buffer.concat([head, body]));
  });
});

test('a produce answer says of each partition of each topic what became of it', async () => {
  const partition = (number: number, errorCode: number, baseOffset: bigint) =>
    Buffer.concat([int32(number), int16(errorCode), int64(baseOffset), int64(111n), int64(222n)]);
  const payload = Buffer.concat([
    int32(2),
    text('ä'),
    int32(2),
    partition(2, 0, 2n ** 60n),
    partition(7, 10, -1n),
    text('b'),
    int32(1),
    partition(0, 0, 5n),
    int32(40),
  ]);
  const { response } = produceRequest([], null, 1);
  expect(await response.parse(await response.decode(payload))).toEqual({
    clientSideThrottleTime: 40,
    batches: [
      { topic: 'ä', partition: 2, errorCode: 0, baseOffset: 2n ** 60n },
      { topic: 'ä', partition: 7, errorCode: 10, baseOffset: -1n },
      { topic: 'b', partition: 0, errorCode: 0, baseOffset: 5n },
    ],
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WireReader, WireWriter } from './flexible.ts';

const uuid = fc.uint8Array({ minLength: 16, maxLength: 16 }).map((bytes) => Buffer.from(bytes).toString('base64url'));
const value = fc.oneof(
  fc.integer({ min: -128, max: 127 }).map((each) => ({ kind: 'int8' as const, each })),
  fc.integer().map((each) => ({ kind: 'int32' as const, each })),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((each) => ({ kind: 'int64' as const, each })),
  fc.nat().map((each) => ({ kind: 'uvarint' as const, each })),
  uuid.map((each) => ({ kind: 'uuid' as const, each })),
  fc.option(fc.string({ maxLength: 300 })).map((each) => ({ kind: 'string' as const, each })),
);

test('what is written is read, also where the writer has to grow in the middle of it', () => {
  fc.assert(fc.property(fc.array(value, { minLength: 40, maxLength: 200 }), (values) => {
    const writer = new WireWriter();
    for (const { kind, each } of values) writer[kind](each as never);
    const reader = new WireReader(writer.written);
    expect(values.map(({ kind }) => reader[kind]())).toEqual(values.map(({ each }) => each));
  }));
});

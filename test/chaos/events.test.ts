import { AvroCodecs, type SchemaLookup } from '@sagafleet/registry';
import { expect, test } from 'vitest';
import { eventBefore, eventNow, idText, LANE_LENGTH, SCHEMA_BEFORE, SCHEMA_NOW, textOf, valueRead } from './events.ts';

const BEFORE_ID = 7;
const NOW_ID = 4_000_000_000;
const IDS = { before: idText(BEFORE_ID), now: idText(NOW_ID) };
const EVENT = { id: 'event-300', sequence: 70_000n, padding: Buffer.from([0, 127, 128, 255]), readings: [0n, 300n], lane: 'lane-42' };

const schemas = [
  { id: BEFORE_ID, schema: SCHEMA_BEFORE },
  { id: NOW_ID, schema: SCHEMA_NOW },
].map((each, at) => ({ ...each, version: at + 1, subject: 'events', references: [], dependencies: [] }));
const registry: SchemaLookup = {
  schemaById: async (id) => schemas.find((each) => each.id === id)!,
  version: async (_, version) => schemas[version - 1]!,
  latest: async () => schemas.at(-1)!,
  lookup: async () => schemas.at(-1)!,
};
const versionOf = (version: number | 'latest') => ({ kind: 'subject', subject: 'events', version }) as const;

test('what is wanted of an old value is what a codec makes of it', async () => {
  const codecs = new AvroCodecs(registry);
  const value = (await codecs.loadEncoder(versionOf(1))).encode(eventBefore(EVENT));
  const read = (await codecs.loadDecoder(BEFORE_ID, versionOf('latest'))).decode(value);
  const written = (await codecs.loadEncoder(versionOf('latest'))).encode(read);
  expect(valueRead(textOf(value), IDS)).toBe(textOf(written));
  expect(textOf(written)).not.toBe(textOf(value));
});

test('a new value stays as it is, and the lane stands last in both', async () => {
  const codecs = new AvroCodecs(registry);
  const now = textOf((await codecs.loadEncoder(versionOf(2))).encode(eventNow(EVENT)));
  const before = textOf((await codecs.loadEncoder(versionOf(1))).encode(eventBefore(EVENT)));
  expect(valueRead(now, IDS)).toBe(now);
  expect([before, now].map((value) => value.slice(-LANE_LENGTH))).toEqual([EVENT.lane, EVENT.lane]);
});

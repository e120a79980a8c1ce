/** What goes in, in two versions of one schema, and what has to come out of it. Pure. */

/** Of the events' lanes, which stand last in them. */
export const LANE_LENGTH = 'lane-10'.length;
/** Begins the values that no schema fits. */
export const POISON = 'poison';

export interface ChaosEvent {
  id: string;
  sequence: bigint;
  padding: Buffer;
  readings: readonly bigint[];
  lane: string;
}

/** Ids of the two schemas, as bytes in a frame. */
export interface SchemaIds {
  before: string;
  now: string;
}

const FRAME_LENGTH = 5;
const DEFAULT_ORIGIN = 'before';

/** What a slow expression looks at; most have none. */
const READINGS = { name: 'readings', type: { type: 'array', items: 'long' } };

/** The lane stands last, where the judge finds it without decoding. */
export const SCHEMA_BEFORE = schemaOf([
  { name: 'id', type: 'string' },
  { name: 'sequence', type: 'int' },
  { name: 'padding', type: 'bytes' },
  READINGS,
  { name: 'lane', type: 'string' },
]);

/** Reads what is written with the one before: a field with a default, and a wider number, which has the same bytes. */
export const SCHEMA_NOW = schemaOf([
  { name: 'origin', type: 'string', default: DEFAULT_ORIGIN },
  { name: 'id', type: 'string' },
  { name: 'sequence', type: 'long' },
  { name: 'padding', type: 'bytes' },
  READINGS,
  { name: 'lane', type: 'string' },
]);

function schemaOf(fields: object[]): string {
  return JSON.stringify({ type: 'record', name: 'Event', namespace: 'chaos', fields });
}

/** As a writer with the old schema makes it. */
export function eventBefore({ sequence, ...event }: ChaosEvent): object {
  return { ...event, sequence: Number(sequence) };
}

export function eventNow(event: ChaosEvent): object {
  return { origin: 'now', ...event };
}

/** Bytes as text that is only compared. */
export function textOf(bytes: Buffer): string {
  return bytes.toString('latin1');
}

export function idText(id: number): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(id);
  return textOf(bytes);
}

/** The value that a step writes which reads with the new schema and writes with it: without a codec, byte by byte. */
export function valueRead(value: string, { before, now }: SchemaIds): string {
  if (value.slice(1, FRAME_LENGTH) !== before) return value;
  // A string of Avro: twice its length, since that is a signed number, then the text
  return `\0${now}${String.fromCharCode(2 * DEFAULT_ORIGIN.length)}${DEFAULT_ORIGIN}${value.slice(FRAME_LENGTH)}`;
}

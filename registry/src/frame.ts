/** Confluent wire format: byte 0, schema id (4 bytes, big-endian), body. */
import { RegistryError } from './errors.ts';

const MAGIC_BYTE = 0;
export const FRAME_BYTES = 5;

/**
 * Schema id of a framed value; the body starts at {@link FRAME_BYTES}.
 * @throws {RegistryError} `not-framed`
 */
export function schemaIdOf(value: Buffer): number {
  if (value.length === 0) {
    throw new RegistryError('not-framed', 'value is empty, a schema id was expected: is it a tombstone written as zero bytes');
  }
  if (value[0] !== MAGIC_BYTE) {
    throw new RegistryError('not-framed', `value starts with byte ${value[0]}, not with 0: it was not written with a schema registry`);
  }
  if (value.length < FRAME_BYTES) {
    throw new RegistryError('not-framed', `value has ${value.length} bytes, too few for a schema id`);
  }
  return value.readUInt32BE(1);
}

/** Writes the frame's head at the start of `target`. */
export function writeFrameHead(target: Buffer, schemaId: number): void {
  target[0] = MAGIC_BYTE;
  target.writeUInt32BE(schemaId, 1);
}

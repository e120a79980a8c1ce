/** Zigzag varints of 32 bits and what they announce, as records hold them (Kafka protocol guide, "Record"). Each function that writes says where the next byte goes. */

export const MAX_VARINT_BYTES = 5;

export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : MAX_VARINT_BYTES;
}

export function writeVarint(target: Uint8Array, value: number, start: number): number {
  let at = start;
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  while (zigzag >= 0x80) {
    target[at++] = (zigzag & 0x7f) | 0x80;
    zigzag >>>= 7;
  }
  target[at++] = zigzag;
  return at;
}

export function readVarint(source: Uint8Array, start: number): { value: number; next: number } {
  let [zigzag, next] = [0, start];
  for (let shift = 0, byte = 0x80; byte >= 0x80; shift += 7) {
    byte = source[next++]!;
    zigzag |= (byte & 0x7f) << shift;
  }
  return { value: (zigzag >>> 1) ^ -(zigzag & 1), next };
}

/** Up to here a loop over bytes or characters is quicker than a call into native code. */
const SHORT = 16;

export function writeBytes(target: Uint8Array, source: Uint8Array, start: number): number {
  if (source.length > SHORT) target.set(source, start);
  else for (let at = 0; at < source.length; at++) target[start + at] = source[at]!;
  return start + source.length;
}

/** After their length; null has length -1. */
export function writeNullableBytes(target: Uint8Array, bytes: Uint8Array | null, start: number): number {
  return bytes === null ? writeVarint(target, -1, start) : writeBytes(target, bytes, writeVarint(target, bytes.length, start));
}

/** A text of ASCII, short as a number is. */
export function writeAscii(target: Uint8Array, text: string, start: number): number {
  for (let at = 0; at < text.length; at++) target[start + at] = text.charCodeAt(at);
  return start + text.length;
}

/** In UTF-8, after its length. */
export function writePrefixedText(target: Buffer, text: string, start: number): number {
  const first = writeVarint(target, text.length, start);
  const length = target.write(text, first);
  // As many bytes as characters, but where one takes more than a byte
  return length === text.length ? first + length : writeNullableBytes(target, Buffer.from(text), start);
}

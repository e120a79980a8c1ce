/** Zigzag varints of 32 bits, as records hold them (Kafka protocol guide, "Record"). */

export const MAX_VARINT_BYTES = 5;

export function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0;
  if (zigzag < 0x80) return 1;
  if (zigzag < 0x4000) return 2;
  if (zigzag < 0x20_0000) return 3;
  return zigzag < 0x1000_0000 ? 4 : MAX_VARINT_BYTES;
}

/** Where the next byte goes. */
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

/** Short stretches are copied here: a call into native code costs more than the bytes. */
const SHORT_BYTES = 32;

/** Where the next byte goes. */
export function writeBytes(target: Uint8Array, source: Uint8Array, start: number): number {
  const { length } = source;
  if (length > SHORT_BYTES) target.set(source, start);
  else for (let at = 0; at < length; at++) target[start + at] = source[at]!;
  return start + length;
}

const LAST_ASCII = 0x7f;

/** In UTF-8. Where the next byte goes. */
export function writeText(target: Buffer, text: string, start: number): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > LAST_ASCII) return start + target.write(text, start);
    target[start + at] = code;
  }
  return start + text.length;
}

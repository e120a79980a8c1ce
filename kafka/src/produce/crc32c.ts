/** CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4), eight bytes a step: kafkajs' byte at a time is a tenth of a send. */

const REVERSED_POLYNOMIAL = 0x82f63b78;
const BYTES_A_STEP = 8;

/** Table k: the checksum of a byte that k zero bytes follow. */
const TABLES = Array.from({ length: BYTES_A_STEP }, () => new Int32Array(256));
for (let byte = 0; byte < 256; byte++) {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ REVERSED_POLYNOMIAL : crc >>> 1;
  TABLES[0]![byte] = crc;
}
for (let k = 1; k < BYTES_A_STEP; k++) {
  for (let byte = 0; byte < 256; byte++) {
    const crc = TABLES[k - 1]![byte]!;
    TABLES[k]![byte] = TABLES[0]![crc & 0xff]! ^ (crc >>> 8);
  }
}
const [T0, T1, T2, T3, T4, T5, T6, T7] = TABLES as unknown as readonly [
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
  Int32Array,
];

/** Unsigned, of the bytes from `start` up to `end`. */
export function crc32c(bytes: Uint8Array, start = 0, end = bytes.length): number {
  // Two words a step: half the time of eight loads of a byte
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let crc = -1;
  let at = start;
  for (; at + BYTES_A_STEP <= end; at += BYTES_A_STEP) {
    const low = crc ^ words.getInt32(at, true);
    const high = words.getInt32(at + 4, true);
    crc =
      T7[low & 0xff]! ^
      T6[(low >>> 8) & 0xff]! ^
      T5[(low >>> 16) & 0xff]! ^
      T4[low >>> 24]! ^
      T3[high & 0xff]! ^
      T2[(high >>> 8) & 0xff]! ^
      T1[(high >>> 16) & 0xff]! ^
      T0[high >>> 24]!;
  }
  for (; at < end; at++) crc = T0[(crc ^ bytes[at]!) & 0xff]! ^ (crc >>> 8);
  return (crc ^ -1) >>> 0;
}

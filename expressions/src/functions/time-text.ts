/** Durations and timestamps as text (cel-spec v0.26, langdef.md, "Abstract types"). */
import { Duration, Timestamp } from '../values/special.ts';
import { FunctionFailure } from './signature.ts';

export const NANOS_PER_SECOND = 1_000_000_000n;
const NANOS_PER_MILLI = 1_000_000n;
/** 10,000 years, as google.protobuf.Duration has it. */
const MAX_DURATION = 315_576_000_000n * NANOS_PER_SECOND + 999_999_999n;
const MIN_TIMESTAMP = -62_135_596_800n * NANOS_PER_SECOND;
const MAX_TIMESTAMP = 253_402_300_800n * NANOS_PER_SECOND - 1n;

export function durationOf(nanos: bigint): Duration {
  if (nanos > MAX_DURATION || nanos < -MAX_DURATION) throw new FunctionFailure('the duration is longer than 10,000 years');
  return new Duration(nanos);
}

export function timestampOf(nanos: bigint): Timestamp {
  if (nanos > MAX_TIMESTAMP || nanos < MIN_TIMESTAMP) throw new FunctionFailure('the timestamp is outside the years 1 to 9999');
  return new Timestamp(nanos);
}

const UNITS: Readonly<Record<string, bigint>> = {
  h: 3600n * NANOS_PER_SECOND,
  m: 60n * NANOS_PER_SECOND,
  s: NANOS_PER_SECOND,
  ms: NANOS_PER_MILLI,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ns: 1n,
};
const DURATION = /^([+-]?)((?:(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:h|ms|m|s|us|µs|μs|ns))+|0)$/;
const DURATION_PART = /([0-9]*)\.?([0-9]*)(h|ms|m|s|us|µs|μs|ns)/g;
const MAX_TEXT = 100;

export function parseDuration(text: string): Duration {
  const match = text.length > MAX_TEXT ? null : DURATION.exec(text);
  if (!match) throw new FunctionFailure('duration() cannot convert this string; write it as in 1h30m, 90s or 1.5s');
  let nanos = 0n;
  for (const [, whole, fraction, unit] of match[2]!.matchAll(DURATION_PART)) {
    const perUnit = UNITS[unit!]!;
    nanos += BigInt(whole || '0') * perUnit + (BigInt(fraction || '0') * perUnit) / 10n ** BigInt(fraction!.length);
  }
  return durationOf(match[1] === '-' ? -nanos : nanos);
}

/** In seconds: `5400s`, `-1.5s`. */
export function durationText({ nanos }: Duration): string {
  const size = nanos < 0n ? -nanos : nanos;
  return `${nanos < 0n ? '-' : ''}${size / NANOS_PER_SECOND}${fractionText(size % NANOS_PER_SECOND)}s`;
}

function fractionText(nanos: bigint): string {
  return nanos === 0n ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`;
}

const TIMESTAMP =
  /^([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9})[0-9]*)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))$/;

/** RFC 3339. */
export function parseTimestamp(text: string): Timestamp {
  const match = text.length > MAX_TEXT ? null : TIMESTAMP.exec(text);
  const nanos = match && nanosOf(match);
  if (nanos === null) throw new FunctionFailure('timestamp() cannot convert this string; write it as in 2026-01-31T08:30:00Z');
  return timestampOf(nanos);
}

function nanosOf([, year, month, day, hour, minute, second, fraction = '', sign, ...offset]: RegExpExecArray): bigint | null {
  const [years, months, days] = [Number(year), Number(month), Number(day)];
  const [hours, minutes, seconds] = [Number(hour), Number(minute), Number(second)];
  const [offsetHours, offsetMinutes] = [Number(offset[0] ?? 0), Number(offset[1] ?? 0)];
  if (hours > 23 || minutes > 59 || seconds > 59 || offsetHours > 23 || offsetMinutes > 59) return null;
  const date = new Date(0);
  date.setUTCFullYear(years, months - 1, days);
  if (date.getUTCMonth() !== months - 1 || date.getUTCDate() !== days) return null;
  const offsetSeconds = (offsetHours * 60 + offsetMinutes) * 60 * (sign === '-' ? -1 : 1);
  const epochSeconds = date.getTime() / 1000 + (hours * 60 + minutes) * 60 + seconds - offsetSeconds;
  return BigInt(epochSeconds) * NANOS_PER_SECOND + BigInt(fraction.padEnd(9, '0'));
}

export function timestampText(timestamp: Timestamp): string {
  const date = dateOf(timestamp, 0);
  const fraction = ((timestamp.nanos % NANOS_PER_SECOND) + NANOS_PER_SECOND) % NANOS_PER_SECOND;
  return `${date.toISOString().slice(0, 19)}${fractionText(fraction)}Z`;
}

/** Its UTC fields are those of the timestamp at this offset. */
export function dateOf({ nanos }: Timestamp, offsetMinutes: number): Date {
  const millis = (nanos - (((nanos % NANOS_PER_MILLI) + NANOS_PER_MILLI) % NANOS_PER_MILLI)) / NANOS_PER_MILLI;
  return new Date(Number(millis) + offsetMinutes * 60_000);
}

const OFFSET = /^([+-]?)([0-9]{2}):([0-9]{2})$/;

/**
 * Minutes east of UTC. Names such as Europe/Berlin are rejected: their offsets come from the time-zone data
 * of the machine, and two workers could give two results for one record.
 */
export function offsetOf(zone: string): number {
  if (zone === 'UTC' || zone === 'Z' || zone === '') return 0;
  const match = OFFSET.exec(zone);
  if (!match || Number(match[2]) > 23 || Number(match[3]) > 59) {
    throw new FunctionFailure('a time zone is an offset from UTC, as in +02:00, or UTC; names of zones are not supported');
  }
  return (Number(match[2]) * 60 + Number(match[3])) * (match[1] === '-' ? -1 : 1);
}

/** Timestamps and durations; nothing depends on the time zone of the machine. */
import type { Duration, Timestamp } from '../values/special.ts';
import { type FunctionDefinition, same } from './signature.ts';
import {
  dateOf,
  durationText,
  NANOS_PER_SECOND,
  offsetOf,
  parseDuration,
  parseTimestamp,
  timestampOf,
  timestampText,
} from './time-text.ts';

const DAY_MS = 86_400_000;

type DatePart = [name: string, description: string, read: (date: Date) => number];

const DATE_PARTS: readonly DatePart[] = [
  ['getDate', 'Day of the month, from 1', (date) => date.getUTCDate()],
  ['getDayOfMonth', 'Day of the month, from 0', (date) => date.getUTCDate() - 1],
  ['getDayOfWeek', 'Day of the week, from 0, Sunday', (date) => date.getUTCDay()],
  ['getDayOfYear', 'Day of the year, from 0', dayOfYear],
  ['getFullYear', 'Year', (date) => date.getUTCFullYear()],
  ['getHours', 'Hour, from 0', (date) => date.getUTCHours()],
  ['getMilliseconds', 'Milliseconds of the second', (date) => date.getUTCMilliseconds()],
  ['getMinutes', 'Minutes of the hour', (date) => date.getUTCMinutes()],
  ['getMonth', 'Month, from 0', (date) => date.getUTCMonth()],
  ['getSeconds', 'Seconds of the minute', (date) => date.getUTCSeconds()],
];

function dayOfYear(date: Date): number {
  const first = new Date(date);
  first.setUTCMonth(0, 1);
  return Math.round((date.getTime() - first.getTime()) / DAY_MS);
}

function datePartFunctions([name, description, read]: DatePart): FunctionDefinition[] {
  return [
    {
      signature: `timestamp.${name}(): int`,
      description: `${description}, in UTC.`,
      run: (timestamp: Timestamp) => BigInt(read(dateOf(timestamp, 0))),
    },
    {
      signature: `timestamp.${name}(string): int`,
      description: `${description}, at an offset from UTC such as \`+02:00\`.`,
      run: (timestamp: Timestamp, zone: string) => BigInt(read(dateOf(timestamp, offsetOf(zone)))),
      checks: offsetOf,
    },
  ];
}

const HOUR = 3600n * NANOS_PER_SECOND;
const MINUTE = 60n * NANOS_PER_SECOND;

export const TIME: readonly FunctionDefinition[] = [
  {
    signature: 'duration(string): duration',
    description: 'Of text such as `1h30m`, `90s` or `1.5s`; fails on other text.',
    run: parseDuration,
    checks: parseDuration,
  },
  { signature: 'duration(duration): duration', description: 'The value itself.', run: same },
  {
    signature: 'timestamp(string): timestamp',
    description: 'Of RFC 3339 text such as `2026-01-31T08:30:00Z`; fails on other text.',
    run: parseTimestamp,
    checks: parseTimestamp,
  },
  {
    signature: 'timestamp(int): timestamp',
    description: 'Of seconds since the epoch; of milliseconds write `timestamp(event.timestamp / 1000)`.',
    run: (seconds: bigint) => timestampOf(seconds * NANOS_PER_SECOND),
  },
  { signature: 'timestamp(timestamp): timestamp', description: 'The value itself.', run: same },
  { signature: 'string(duration): string', description: 'In seconds, as in `5400s`.', run: durationText },
  { signature: 'string(timestamp): string', description: 'RFC 3339 text in UTC.', run: timestampText },
  { signature: 'duration.getHours(): int', description: 'Whole hours.', run: ({ nanos }: Duration) => nanos / HOUR },
  { signature: 'duration.getMinutes(): int', description: 'Whole minutes.', run: ({ nanos }: Duration) => nanos / MINUTE },
  { signature: 'duration.getSeconds(): int', description: 'Whole seconds.', run: ({ nanos }: Duration) => nanos / NANOS_PER_SECOND },
  {
    signature: 'duration.getMilliseconds(): int',
    description: 'Milliseconds of the second, 0 to 999.',
    run: ({ nanos }: Duration) => (nanos / 1_000_000n) % 1000n,
  },
  ...DATE_PARTS.flatMap(datePartFunctions),
];

/**
 * What a task commits beside a position, for the task's next owner: whether records behind it are being processed, so that
 * one that ends its worker is found and does not end every worker after it.
 */
export type PositionNote =
  | AttemptNote
  /** The breaker stopped the task here. `settings`: hash of the settings it ran with. */
  | { kind: 'stopped'; settings: string };

/**
 * A worker processes records from the position on. `attempt`: how many workers had begun to, this one included, of which
 * none came any further; `records`: how many of the topic it took at once at most, null where that is not limited, 1 where nothing else was processed meanwhile; `isProcessed`:
 * they are, and are being written; `writes`: how many workers before ended while they wrote them.
 */
export interface AttemptNote {
  kind: 'attempt';
  attempt: number;
  records: number | null;
  isProcessed: boolean;
  writes: number;
}

/** Nothing is known against any record. */
export const FIRST_ATTEMPT: AttemptNote = { kind: 'attempt', attempt: 1, records: null, isProcessed: false, writes: 0 };

/** Without spaces, which separate the parts of the metadata. */
export function encodeNote(note: PositionNote): string {
  if (note.kind === 'stopped') return `stopped:${note.settings}`;
  return [
    `attempt:${note.attempt}`,
    ...(note.records === null ? [] : [`records:${note.records}`]),
    ...(note.writes === 0 ? [] : [`writes:${note.writes}`]),
    ...(note.isProcessed ? ['processed'] : []),
  ].join(',');
}

const ATTEMPT = /^attempt:(\d{1,6})(?:,records:(\d{1,9}))?(?:,writes:(\d{1,6}))?(,processed)?$/;
const STOPPED = /^stopped:(\w+)$/;

/** Null for what is not a note of ours, as after a reset with Kafka's own tools. */
export function decodeNote(text: string | null): PositionNote | null {
  const stopped = STOPPED.exec(text ?? '');
  if (stopped) return { kind: 'stopped', settings: stopped[1]! };
  const found = ATTEMPT.exec(text ?? '');
  if (!found) return null;
  const [, attempt, records, writes = 0, processed] = found;
  return {
    kind: 'attempt',
    attempt: Number(attempt),
    records: records === undefined ? null : Number(records),
    isProcessed: processed !== undefined,
    writes: Number(writes),
  };
}

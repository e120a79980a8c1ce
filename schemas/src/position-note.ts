/**
 * What a task commits beside a position, for the task's next owner: whether records behind it are being processed, so that
 * one that ends its worker is found and does not end every worker after it.
 */
export type PositionNote =
  /**
   * A worker processes records from the position on. `attempt`: how many workers had begun to, this one included, of which
   * none came any further; `records`: how many of the topic it took at once, null where that is not limited.
   */
  | { kind: 'attempt'; attempt: number; records: number | null }
  /** The breaker stopped the task here. `settings`: hash of the settings it ran with. */
  | { kind: 'stopped'; settings: string };

/** Without spaces, which separate the parts of the metadata. */
export function encodeNote(note: PositionNote): string {
  if (note.kind === 'stopped') return `stopped:${note.settings}`;
  return note.records === null ? `attempt:${note.attempt}` : `attempt:${note.attempt},records:${note.records}`;
}

const ATTEMPT = /^attempt:(\d{1,6})(?:,records:(\d{1,9}))?$/;
const STOPPED = /^stopped:(\w+)$/;

/** Null for what is not a note of ours, as after a reset with Kafka's own tools. */
export function decodeNote(text: string | null): PositionNote | null {
  const stopped = STOPPED.exec(text ?? '');
  if (stopped) return { kind: 'stopped', settings: stopped[1]! };
  const attempt = ATTEMPT.exec(text ?? '');
  return attempt && { kind: 'attempt', attempt: Number(attempt[1]), records: attempt[2] === undefined ? null : Number(attempt[2]) };
}

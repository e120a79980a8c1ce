import type { InputRecord } from '../driver.ts';
import type { Note } from './notes.ts';

/** So many workers have to end while they process a record before it becomes a dead letter. */
export const MAX_ENDED_WORKERS = 3;
/** Bounds of what a worker that ended may have held: the records of a transaction, and of the next one. */
const BATCHES_IN_HAND = 2;

/** Records of one topic, from where the task starts, one of which may have ended the last worker. */
interface Suspicion { attempt: number; recordsLeft: number; untilOffset: bigint }

/** `endOffset`: one past the last record that the owner before can have seen. */
export interface FoundNote { topic: string; note: Note | null; offset: bigint; endOffset: bigint }

/**
 * Finds the record that ends its worker, however it does so. What is taken is noted with the positions before it is
 * processed. After a worker that ended, the next one takes one record, then two, four and so on: an innocent restart costs a
 * dozen small transactions. One that ends in the middle of a small batch shows which records to take one by one, and the
 * record that ends a worker for the third time is not processed any more.
 */
export class Attempts {
  readonly #maxRecords: number;
  readonly #suspicions = new Map<string, Suspicion>();
  /** Of each topic, what its last commit says. */
  readonly #noted = new Map<string, Note>();

  /** @param isContinued the owner before did not end, it lost the task or is this one */
  constructor(found: readonly FoundNote[], { maxRecords, isContinued }: { maxRecords: number; isContinued: boolean }) {
    this.#maxRecords = maxRecords;
    for (const { topic, note, offset, endOffset } of found) {
      if (note?.kind !== 'attempt') continue;
      this.#noted.set(topic, note);
      const attempt = isContinued ? note.attempt : note.attempt + 1;
      if (attempt === 1 || (offset >= endOffset && !isContinued)) continue;
      const recordsLeft = attempt === 2 ? BATCHES_IN_HAND * maxRecords : note.records ?? 1;
      this.#suspicions.set(topic, { attempt, recordsLeft, untilOffset: endOffset });
    }
  }

  get hasSuspicion(): boolean {
    return this.#suspicions.size > 0;
  }

  /** Records of the next batch. @param size as many at most where no record has to be processed alone */
  limit(size: number): number {
    for (const { attempt } of this.#suspicions.values()) if (attempt > 2) return 1;
    return size;
  }

  /** Whether the record has ended its worker too often. It is the only one of its batch then. */
  hasEndedWorkers({ topic }: InputRecord): boolean {
    return (this.#suspicions.get(topic)?.attempt ?? 0) > MAX_ENDED_WORKERS;
  }

  /** What has to be committed before these records are processed, by topic; empty where the last commits say it. */
  toNote(records: readonly InputRecord[]): Map<string, Note> {
    const notes = new Map<string, Note>();
    for (const [topic, its] of Map.groupBy(records, ({ topic }) => topic)) {
      const suspicion = this.#suspicions.get(topic);
      const note: Note = { kind: 'attempt', attempt: suspicion?.attempt ?? 1, records: suspicion ? its.length : null };
      if (!isSame(note, this.#noted.get(topic))) notes.set(topic, note);
    }
    return notes;
  }

  /** The same, as long as nothing is processed: what all records wait for does not count against them. */
  toNoteWhileWaiting(records: readonly InputRecord[]): Map<string, Note> {
    const notes = new Map<string, Note>();
    for (const [topic, its] of Map.groupBy(records, ({ topic }) => topic)) {
      const suspicion = this.#suspicions.get(topic);
      if (suspicion) notes.set(topic, { kind: 'attempt', attempt: suspicion.attempt - 1, records: suspicion.attempt > 2 ? its.length : null });
    }
    return notes;
  }

  noted(notes: ReadonlyMap<string, Note>): void {
    for (const [topic, note] of notes) this.#noted.set(topic, note);
  }

  /** What is committed with the positions behind processed records. */
  readonly afterwards: Note = { kind: 'attempt', attempt: 1, records: null };

  /** The records were processed, and these positions of their topics committed with the note `afterwards`. */
  processed(records: readonly InputRecord[], positions: ReadonlyMap<string, bigint>): void {
    for (const [topic, offset] of positions) {
      this.#noted.set(topic, this.afterwards);
      const suspicion = this.#suspicions.get(topic);
      if (!suspicion) continue;
      suspicion.recordsLeft -= records.filter((record) => record.topic === topic).length;
      if (suspicion.recordsLeft <= 0 || offset >= suspicion.untilOffset) this.#suspicions.delete(topic);
    }
  }
}

function isSame(note: Note, other: Note | undefined): boolean {
  return other?.kind === 'attempt' && note.kind === 'attempt' && note.attempt === other.attempt && note.records === other.records;
}

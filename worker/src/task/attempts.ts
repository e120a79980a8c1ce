import { encodeNote, type PositionNote as Note } from '@sagafleet/schemas';
import type { InputRecord } from '../driver.ts';

/**
 * So many workers have to end while they process a record, and nothing else, before it becomes a dead letter. Workers that are
 * killed from outside, one soon after the other, meet the same innocent record several times: with 3 one was blamed.
 */
export const MAX_ENDED_WORKERS = 8;
/** The first attempt takes any number of records, the second a few: what ended the worker may have been another task's. */
const ALONE_FROM = 3;
/** Bounds of what a worker that ended may have held: the records of a transaction, and of the next one. */
const BATCHES_IN_HAND = 2;

/** An event loop that was kept for so long may have cost the session, and is as good as ended. */
const BLOCKED_MS = 3_000;

/** Records of one topic, from `fromOffset` on, one of which may have ended the last worker. */
interface Suspicion { attempt: number; recordsLeft: number; fromOffset: bigint; untilOffset: bigint }

/** `endOffset`: one past the last record that the owner before can have seen. */
export interface FoundNote { topic: string; note: Note | null; offset: bigint; endOffset: bigint }

/**
 * Finds the record that ends its worker, however it does so. What is taken is noted with the positions before it is
 * processed. After a worker that ended, the next one takes one record, then two, four and so on: an innocent restart costs a
 * dozen small transactions. One that ends in the middle of a small batch shows which records to take one by one, with
 * nothing else processed in the whole process meanwhile, since what ends it may be a record of another task. A record that
 * has ended several workers so is not processed any more. One object for each task that a process ever
 * had: a process that goes on knows that no record ended it, however often it lost the task.
 */
export class Attempts {
  readonly #maxRecords: number;
  readonly #suspicions = new Map<string, Suspicion>();
  /** Of each topic, what its last commit says; what the next one may say, whose outcome may be unknown. */
  readonly #noted = new Map<string, Note | null>();
  readonly #sent = new Map<string, Note>();
  #hasBlocked = false;

  constructor(maxRecords: number) {
    this.#maxRecords = maxRecords;
  }

  /** Whether this process noted it, and nobody since. */
  isOwn(notes: ReadonlyMap<string, Note | null>): boolean {
    return !this.#hasBlocked && this.#noted.size > 0
      && [...notes].every(([topic, note]) => isSame(note, this.#noted.get(topic)) || (note !== null && isSame(note, this.#sent.get(topic))));
  }

  /** Whether `begin` has to know what the owner before can have seen. */
  needsEnd(note: Note | null, isContinued: boolean): boolean {
    return note?.kind === 'attempt' && attemptAfter(note.attempt, isContinued) > 1;
  }

  /** The task begins. @param isContinued the owner before did not end: it lost the task, or is this one */
  begin(found: readonly FoundNote[], isContinued: boolean): void {
    const isOwn = this.isOwn(new Map(found.map(({ topic, note }) => [topic, note])));
    if (!isOwn) this.#suspicions.clear();
    this.#hasBlocked = false;
    this.#sent.clear();
    for (const each of found) {
      this.#noted.set(each.topic, each.note);
      if (isOwn) this.#drop(each);
      else this.#suspect(each, isContinued);
    }
  }

  /** What was not known to be committed is, where the task begins behind it. */
  #drop({ topic, offset }: FoundNote): void {
    const suspicion = this.#suspicions.get(topic);
    if (!suspicion) return;
    const isOver = isCondemned(suspicion) ? offset > suspicion.fromOffset : offset >= suspicion.untilOffset;
    if (isOver) this.#suspicions.delete(topic);
  }

  #suspect({ topic, note, offset, endOffset }: FoundNote, isContinued: boolean): void {
    if (note?.kind !== 'attempt') return;
    const attempt = attemptAfter(note.attempt, isContinued);
    if (attempt === 1 || offset >= endOffset) return;
    const recordsLeft = attempt === 2 ? BATCHES_IN_HAND * this.#maxRecords : note.records ?? 1;
    this.#suspicions.set(topic, { attempt, recordsLeft, fromOffset: offset, untilOffset: endOffset });
  }

  /** How long one record kept the event loop. */
  kept(ms: number): void {
    if (ms >= BLOCKED_MS) this.#hasBlocked = true;
  }

  get hasSuspicion(): boolean {
    return this.#suspicions.size > 0;
  }

  /** The next record is to be processed while no other one is. */
  get isAlone(): boolean {
    return [...this.#suspicions.values()].some(({ attempt }) => attempt >= ALONE_FROM);
  }

  /** Records of the next batch. @param size as many at most where no record has to be processed alone */
  limit(size: number): number {
    return this.isAlone ? 1 : size;
  }

  /** Whether the record has ended its worker too often. It is the only one of its batch then. */
  hasEndedWorkers({ topic }: InputRecord): boolean {
    const suspicion = this.#suspicions.get(topic);
    return suspicion !== undefined && isCondemned(suspicion);
  }

  /** What has to be committed before these records are processed, by topic; empty where the last commits say it. */
  toNote(records: readonly InputRecord[]): Map<string, Note> {
    const notes = this.#notesOf(records, (count, suspicion): Note => ({ kind: 'attempt', attempt: suspicion?.attempt ?? 1, records: suspicion ? count : null }));
    for (const [topic, note] of notes) if (isSame(note, this.#noted.get(topic) ?? null)) notes.delete(topic);
    return notes;
  }

  /** The same, as long as nothing is processed: what all records wait for does not count against them. */
  toNoteWhileWaiting(records: readonly InputRecord[]): Map<string, Note> {
    return this.#notesOf(records, (count, suspicion) =>
      suspicion && { kind: 'attempt', attempt: suspicion.attempt - 1, records: suspicion.attempt >= ALONE_FROM ? count : null });
  }

  /** By topic, with how many of the records are of it. */
  #notesOf(records: readonly InputRecord[], noteOf: (count: number, suspicion?: Suspicion) => Note | undefined): Map<string, Note> {
    const byTopic = Map.groupBy(records, ({ topic }) => topic);
    return new Map([...byTopic].flatMap(([topic, its]) => {
      const note = noteOf(its.length, this.#suspicions.get(topic));
      return note ? [[topic, note] as const] : [];
    }));
  }

  /** They are about to be committed. */
  sent(notes: ReadonlyMap<string, Note>): void {
    for (const [topic, note] of notes) this.#sent.set(topic, note);
  }

  /** They are. */
  noted(notes: ReadonlyMap<string, Note>): void {
    for (const [topic, note] of notes) this.#noted.set(topic, note);
  }

  /** What is committed with the positions behind processed records. */
  readonly afterwards: Note = { kind: 'attempt', attempt: 1, records: null };

  /** The records were processed, and these positions of their topics committed. */
  processed(records: readonly InputRecord[], positions: ReadonlyMap<string, bigint>): void {
    this.#hasBlocked = false;
    for (const [topic, offset] of positions) {
      const suspicion = this.#suspicions.get(topic);
      if (!suspicion) continue;
      suspicion.recordsLeft -= records.filter((record) => record.topic === topic).length;
      if (suspicion.recordsLeft <= 0 || offset >= suspicion.untilOffset) this.#suspicions.delete(topic);
    }
  }
}

function attemptAfter(attempt: number, isContinued: boolean): number {
  return isContinued ? attempt : attempt + 1;
}

function isCondemned({ attempt }: Suspicion): boolean {
  return attempt >= ALONE_FROM + MAX_ENDED_WORKERS;
}

function isSame(note: Note | null, other: Note | null | undefined): boolean {
  if (note === null || other === null || other === undefined) return note === other;
  return encodeNote(note) === encodeNote(other);
}

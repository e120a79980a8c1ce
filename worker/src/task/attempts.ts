import { type AttemptNote, encodeNote, FIRST_ATTEMPT, type PositionNote as Note } from '@sagafleet/schemas';
import type { InputRecord } from '../driver.ts';

/** The next owner but this many takes the record for what ended them, and does not process it. */
export const MAX_ENDED_WORKERS = 3;
/**
 * The same while what became of it was written. Much else can take long then, and any number of workers be ended meanwhile
 * that have nothing to do with the record.
 */
const MAX_ENDED_WRITES = 20;
/** Bounds of what a worker that ended may have held: the records of a transaction, and of the next one. */
const BATCHES_IN_HAND = 2;

/** An event loop that was kept for so long may have cost the session, and is as good as ended. */
const BLOCKED_MS = 3_000;

/** Records of one topic, from `fromOffset` on, one of which may have ended the last worker. */
interface Suspicion {
  /** Of the next record or batch, and how many workers ended while they wrote it. */
  attempt: number;
  writes: number;
  /** How many of the next records are to be processed while no other one of the process is. */
  aloneLeft: number;
  recordsLeft: number;
  fromOffset: bigint;
  untilOffset: bigint;
}

/** `endOffset`: one past the last record that the owner before can have seen. */
export interface FoundNote {
  topic: string;
  note: Note | null;
  offset: bigint;
  endOffset: bigint;
}

/**
 * Finds the record that ends its worker, however it does so. What is taken is noted with the positions before it is
 * processed. After a worker that ended, the next one takes one record, alone, then two, four and so on: an innocent restart
 * costs a dozen small transactions. One that ends in the middle of such a batch shows which records to take one by one.
 * Alone means that nothing else is processed in the whole process meanwhile, since what ends it may be a record of another
 * task; and what was processed is noted as such before it is written, since a write can take long for many reasons. A record
 * that ended its worker, and then two more alone, is not processed any more. One object for each task that a process ever
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
    return (
      !this.#hasBlocked &&
      [...notes].every(([topic, note]) => isSame(note, this.#noted.get(topic)) || (note !== null && isSame(note, this.#sent.get(topic))))
    );
  }

  /** Whether `begin` has to know what the owner before can have seen. */
  needsEnd(note: Note | null, isContinued: boolean): boolean {
    return note?.kind === 'attempt' && attemptAfter(note, isContinued) > 1;
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
    // What speaks against one record does not speak against the next
    const isOver = isCondemned(suspicion) || suspicion.recordsLeft === 1 ? offset > suspicion.fromOffset : offset >= suspicion.untilOffset;
    if (isOver) this.#suspicions.delete(topic);
  }

  #suspect({ topic, note, offset, endOffset }: FoundNote, isContinued: boolean): void {
    if (note?.kind !== 'attempt' || offset >= endOffset) return;
    const isShown = note.attempt > 1 && note.records !== null;
    // Which one of them it was is not known yet: the next end shows it
    const singly = isShown && note.records! > 1 && !isContinued ? note.records! : 0;
    const attempt = singly ? note.attempt : attemptAfter(note, isContinued);
    if (attempt === 1) return;
    const writes = note.writes + (note.isProcessed && !isContinued ? 1 : 0);
    const recordsLeft = singly || (attempt === 2 ? BATCHES_IN_HAND * this.#maxRecords : 1);
    this.#suspicions.set(topic, { attempt, writes, aloneLeft: singly || 1, recordsLeft, fromOffset: offset, untilOffset: endOffset });
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
    return [...this.#suspicions.values()].some(({ aloneLeft }) => aloneLeft > 0);
  }

  /** And be written while no other one is processed. */
  get isAloneUntilWritten(): boolean {
    return [...this.#suspicions.values()].some(({ aloneLeft, attempt, writes }) => aloneLeft > 0 && (attempt > 2 || writes > 0));
  }

  /** How much speaks against the record that is to be processed next. */
  get rank(): number {
    return Math.max(0, ...[...this.#suspicions.values()].map(({ attempt, writes }) => attempt + writes));
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
    const notes = this.#notesOf(records, (count, suspicion) => (suspicion ? noteOf(suspicion, count) : FIRST_ATTEMPT));
    for (const [topic, note] of notes) if (isSame(note, this.#noted.get(topic))) notes.delete(topic);
    return notes;
  }

  /** The same, before they are written, where they were processed alone; nothing where they took so long that it counts as ended. */
  toNoteProcessed(records: readonly InputRecord[]): Map<string, Note> {
    if (this.#hasBlocked) return new Map();
    return this.#notesOf(records, (count, suspicion) => suspicion && { ...noteOf(suspicion, count), isProcessed: true });
  }

  /** The same, as long as nothing is processed: what all records wait for does not count against them. */
  toNoteWhileWaiting(records: readonly InputRecord[]): Map<string, Note> {
    return this.#notesOf(
      records,
      (count, suspicion) =>
        suspicion && { ...noteOf(suspicion, count), attempt: suspicion.attempt - 1, ...(suspicion.attempt === 2 ? { records: null } : {}) },
    );
  }

  /** By topic, with how many of the records are of it. */
  #notesOf(records: readonly InputRecord[], noteFor: (count: number, suspicion?: Suspicion) => Note | undefined): Map<string, Note> {
    const byTopic = Map.groupBy(records, ({ topic }) => topic);
    return new Map(
      [...byTopic].flatMap(([topic, its]) => {
        const note = noteFor(its.length, this.#suspicions.get(topic));
        return note ? [[topic, note] as const] : [];
      }),
    );
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
  readonly afterwards: Note = FIRST_ATTEMPT;

  /** The records were processed, and these positions of their topics committed. */
  processed(records: readonly InputRecord[], positions: ReadonlyMap<string, bigint>): void {
    this.#hasBlocked = false;
    for (const [topic, offset] of positions) {
      const suspicion = this.#suspicions.get(topic);
      if (!suspicion) continue;
      const count = records.filter((record) => record.topic === topic).length;
      suspicion.recordsLeft -= count;
      suspicion.fromOffset = offset;
      if (count > 0) Object.assign(suspicion, { writes: 0, aloneLeft: Math.max(0, suspicion.aloneLeft - count) });
      if (suspicion.recordsLeft <= 0 || offset >= suspicion.untilOffset) this.#suspicions.delete(topic);
    }
  }
}

function attemptAfter({ attempt, isProcessed }: AttemptNote, isContinued: boolean): number {
  return isContinued || isProcessed ? attempt : attempt + 1;
}

/** Just one record means that it was alone in its process. */
function noteOf({ attempt, writes, aloneLeft }: Suspicion, records: number): AttemptNote {
  return { ...FIRST_ATTEMPT, attempt, records: aloneLeft > 0 ? records : Math.max(2, records), writes };
}

function isCondemned({ attempt, writes }: Suspicion): boolean {
  return attempt > MAX_ENDED_WORKERS || writes >= MAX_ENDED_WRITES;
}

function isSame(note: Note | null, other: Note | null | undefined): boolean {
  if (note === null || other === null || other === undefined) return note === other;
  return encodeNote(note) === encodeNote(other);
}

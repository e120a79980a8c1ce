/**
 * Where a task starts. Kafka 4.3 answers OffsetFetch with −1 or an old number, without an error, for
 * up to 3 s after some restarts of a coordinator, so what it says is checked before it is believed.
 */
import { decodeNote, type PositionNote as Note } from '@sagafleet/schemas';
import type { GroupMember } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import type { Timing } from '../timing.ts';

/** This soon after trouble with the coordinator one read is not enough. */
const TROUBLE_WINDOW_MS = 10_000;
/** Who has asked it for so long without trouble has outlasted what came before. Below any session time-out. */
const KNOWN_AFTER_MS = 5_000;
const UNCHANGED_FOR_MS = 3_000;
/** Longer than the broker's stale answers last. */
const MISSING_FOR_MS = 5_000;
/** Provisioning asks a settling coordinator twice before it believes that there are none, and then sets them. */
const SET_UP_FOR_MS = 15_000;
export const READ_AGAIN_AFTER_MS = 500;

export interface StartQuestion {
  group: string;
  task: number;
  topics: readonly string[];
  /** The highest position that anyone is known to have reached, null where nobody knows; the answer is never below. */
  floorOf(topic: string): bigint | null;
  /** Whether it was seen that the topic was deleted and created again, which takes the group's offsets with it. */
  isRecreated(topic: string): boolean;
  signal: AbortSignal;
}

export type OffsetReader = Pick<
  GroupMember,
  'committedOffsets' | 'earliestOffset' | 'endOffset' | 'coordinatorTroubleAgeMs' | 'coordinatorKnownForMs' | 'offsetUnchangedForMs'
>;
type Committed = Awaited<ReturnType<GroupMember['committedOffsets']>>;

/** Where each topic begins, and what its last owner noted there. */
export interface Start {
  positions: Map<string, bigint>;
  notes: Map<string, Note | null>;
}

/**
 * Committed offsets by topic; a partition without one, in a group that has others, is new and is
 * read from its beginning.
 * @throws WorkerError `offsets-missing` (fatal) where the broker has no offset of the group at all,
 *   or dropped one of the task, `offsets-stale` (systemic) where it keeps answering less than what is known,
 *   `markers-missing` (systemic) where a transaction that fencing should have ended holds them.
 */
export async function readStart(question: StartQuestion, reader: OffsetReader, timing: Timing): Promise<Start> {
  const startedAt = timing.now();
  for (;;) {
    const committed = await believedOffsets(question, reader, timing);
    if (committed && !isMissing(committed, question)) {
      const positions = await resolvePositions(question, reader, committed);
      const stale = question.topics.find(
        (topic) => !isNewTopic(topic, committed, question) && positions.get(topic)! < (question.floorOf(topic) ?? 0n),
      );
      if (!stale) return { positions, notes: notesOf(committed, question) };
      if (timing.now() - startedAt > MISSING_FOR_MS) throw staleError(question, stale, positions.get(stale)!);
    } else if (committed && timing.now() - startedAt > MISSING_FOR_MS) {
      throw missingError(question);
    }
    await timing.wait(READ_AGAIN_AFTER_MS, question.signal);
    if (question.signal.aborted) throw new WorkerError('not-a-member', 'systemic', `task ${question.task} was lost`);
  }
}

/**
 * Waits for the group's offsets before joining it: whoever provisions the step can set them only
 * while the group has no members.
 * @throws WorkerError `offsets-missing` (fatal) where they do not come
 */
export async function awaitGroupOffsets(group: string, reader: Pick<GroupMember, 'committedOffsets'>, timing: Timing): Promise<void> {
  const startedAt = timing.now();
  while ((await reader.committedOffsets()).every(({ offset, isUnstable }) => offset === null && !isUnstable)) {
    if (timing.now() - startedAt > SET_UP_FOR_MS) throw missingError({ group });
    await timing.wait(READ_AGAIN_AFTER_MS);
  }
}

/** One read, or where it may be a stale one reads that agree for a while; null when they do not. */
async function believedOffsets(question: StartQuestion, reader: OffsetReader, timing: Timing): Promise<Committed | null> {
  const { task, signal } = question;
  const first = await stableOffsets(question, reader);
  if (isUnchanged(first, question, reader) || !(await mayBeStale(first, question, reader))) return first;
  const until = timing.now() + UNCHANGED_FOR_MS;
  const ofTask = (all: Committed) => all.filter(({ partition }) => partition === task);
  while (timing.now() < until && !signal.aborted) {
    await timing.wait(READ_AGAIN_AFTER_MS, signal);
    // A coordinator that loads again and again says so between two stale answers, which ends this with its error
    const next = await stableOffsets(question, reader);
    const agree = ofTask(first).every(({ topic, offset }) =>
      ofTask(next).some((other) => other.topic === topic && other.offset === offset),
    );
    if (!agree) return null;
    if (isUnchanged(next, question, reader)) return next;
  }
  return first;
}

/** Others of this process, or this one before it was given the task, have read the same for a while. */
function isUnchanged(committed: Committed, { task, topics }: StartQuestion, reader: OffsetReader): boolean {
  return topics.every((topic) => {
    const found = committed.find((each) => each.topic === topic && each.partition === task);
    return found !== undefined && reader.offsetUnchangedForMs(topic, task, found.offset) >= UNCHANGED_FOR_MS;
  });
}

/** Whether single reads are not believed now, so that it helps to go on reading. */
export function isDoubtful(reader: Pick<OffsetReader, 'coordinatorTroubleAgeMs' | 'coordinatorKnownForMs'>): boolean {
  return reader.coordinatorTroubleAgeMs() <= TROUBLE_WINDOW_MS || reader.coordinatorKnownForMs() <= KNOWN_AFTER_MS;
}

/** Nothing moves the positions of a task that was fenced, unless the coordinator left out a marker, and the look for it was too early. */
async function stableOffsets({ group, task }: StartQuestion, reader: OffsetReader): Promise<Committed> {
  const committed = await reader.committedOffsets();
  const unstable = committed.find(({ partition, isUnstable }) => partition === task && isUnstable);
  if (!unstable) return committed;
  throw new WorkerError(
    'markers-missing',
    'systemic',
    `a transaction that is complete still holds the position of group ${group} in ${unstable.topic}/${task}`,
  );
}

/**
 * A process that has just begun has seen no trouble either, so it is told from one that has watched the
 * coordinator for a while: by what the group's members know, or else by whether there is anything to work
 * twice (ADR 6).
 */
async function mayBeStale(committed: Committed, { task, topics, floorOf }: StartQuestion, reader: OffsetReader): Promise<boolean> {
  if (reader.coordinatorTroubleAgeMs() <= TROUBLE_WINDOW_MS) return true;
  if (reader.coordinatorKnownForMs() > KNOWN_AFTER_MS) return false;
  for (const topic of topics.filter((each) => floorOf(each) === null)) {
    const found = committed.find((each) => each.topic === topic && each.partition === task);
    if (found && found.offset !== (await reader.endOffset(topic, task))) return true;
  }
  return false;
}

/** What was committed or told before is from another topic of its name. */
function isNewTopic(topic: string, committed: Committed, { task, isRecreated }: StartQuestion): boolean {
  return isRecreated(topic) || committed.some((each) => each.topic === topic && each.partition === task && each.isOfDeletedTopic);
}

/** None at all, or one of the task's own was dropped while others were kept; a topic that was recreated has none yet. */
function isMissing(all: Committed, { task, isRecreated }: StartQuestion): boolean {
  const committed = all.filter(({ topic }) => !isRecreated(topic));
  if (committed.length === 0) return false;
  return (
    committed.every(({ offset, isUnstable }) => offset === null && !isUnstable) ||
    committed.some(({ partition, isForgotten }) => partition === task && isForgotten)
  );
}

async function resolvePositions(question: StartQuestion, reader: OffsetReader, committed: Committed): Promise<Map<string, bigint>> {
  const { task, topics } = question;
  const positions = new Map<string, bigint>();
  for (const topic of topics) {
    const found = committed.find((each) => each.topic === topic && each.partition === task);
    if (!found) throw new WorkerError('broker-unavailable', 'systemic', `partition ${task} of ${topic} is not known to the cluster yet`);
    const committedOffset = isNewTopic(topic, committed, question) ? null : found.offset;
    positions.set(topic, committedOffset ?? (await reader.earliestOffset(topic, task)));
  }
  return positions;
}

/** Of a topic that was deleted there is nothing to say any more. */
function notesOf(committed: Committed, question: StartQuestion): Map<string, Note | null> {
  const { task, topics } = question;
  return new Map(
    topics.map((topic) => {
      const found = committed.find((each) => each.topic === topic && each.partition === task);
      return [topic, isNewTopic(topic, committed, question) ? null : decodeNote(found?.note ?? null)];
    }),
  );
}

function missingError({ group }: Pick<StartQuestion, 'group'>): WorkerError {
  return new WorkerError(
    'offsets-missing',
    'fatal',
    `group ${group} has no committed offsets, or not all any more: nothing set them up, or the broker dropped them (offsets.retention.minutes); ` +
      'starting anyway would reprocess every record. Commit offsets for the group ' +
      `(kafka-consumer-groups --group ${group} --reset-offsets …), then start the step again`,
  );
}

function staleError({ group, task, floorOf }: StartQuestion, topic: string, offset: bigint): WorkerError {
  return new WorkerError(
    'offsets-stale',
    'systemic',
    `the coordinator says that group ${group} is at ${offset} of ${topic}/${task}, but it was at ${floorOf(topic)} before`,
  );
}

/**
 * Says whether a step did its work exactly once, or at least once, from what went in and what came out. Pure, and linear
 * in the number of records. Texts stand for bytes: they are only compared.
 */
import type { Guarantee } from '@sagafleet/schemas';
import { aheadIn } from './ahead.ts';
import { Findings } from './findings.ts';
import { Reads } from './redelivery.ts';
import { lengthOf, stalledIn, type TopicEnd, type TopicPosition, type Watched } from './standstill.ts';

export type { TopicEnd, TopicPosition } from './standstill.ts';

export type FindingKind =
  /** An input without its output. */
  | 'lost'
  /** An input with more than one, where each is to have one. */
  | 'doubled'
  /** Outputs of one key in another order than their inputs, or than a read of them makes, or in several partitions, where there is no order. */
  | 'reordered'
  /** An output of a record that was written in a transaction which was never committed. */
  | 'uncommitted'
  /** Key or value are not the ones that the input asks for. */
  | 'altered'
  /** An output that no input asks for. */
  | 'invented'
  /** A position of the group was committed below an earlier one. */
  | 'offset-back'
  /** A position of the group was committed before an output of a record below it was written. */
  | 'offset-ahead'
  /** The group is not at the end of its inputs, or a transaction is still open. */
  | 'not-drained'
  /** A partition of an output stood still for those who read committed records only, longer than it may. */
  | 'reader-stalled'
  /** A task stood still while its input had records, longer than it may. */
  | 'task-stalled'
  /** Too little to judge by. */
  | 'no-evidence';

export interface InputRecord {
  topic: string;
  partition: number;
  offset: number;
  key: string | null;
  value: string | null;
}

export interface OutputRecord {
  partition: number;
  offset: number;
  key: string | null;
  value: string | null;
  /** Which input it says it comes from, as `topic/partition/offset`. */
  source: string | null;
}

export interface Output {
  topic: string;
  /** By partition in order of offsets. */
  records: readonly OutputRecord[];
  /** What has to be in this topic for an input; null where nothing has to. */
  wanted: (input: InputRecord) => { key: string | null; value: string | null } | null;
}

export interface Evidence {
  /** With `AtLeastOnce` an input may have several outputs, each of them whole. */
  guarantee: Guarantee;
  /** What the input topics hold, committed only. */
  inputs: readonly InputRecord[];
  /** Values that were written to the input topics in transactions that were not, or may not have been, committed. */
  neverCommitted: ReadonlySet<string>;
  outputs: readonly Output[];
  /** Every position that the group committed, by partition in the order of the commits. */
  commits: readonly TopicPosition[];
  /** Where the group is at the end. */
  committed: readonly TopicPosition[];
  /** Ends of the input and output topics. */
  ends: readonly TopicEnd[];
  /** What was seen meanwhile; absent where nobody watched, and nothing is said of standstills. */
  watched?: Watched;
}

export interface Finding {
  kind: FindingKind;
  count: number;
  examples: readonly string[];
}
/** `redelivered`: outputs that came again, and may. */
export interface Verdict {
  isClean: boolean;
  findings: readonly Finding[];
  redelivered: number;
}

export function judge(evidence: Evidence): Verdict {
  const findings = new Findings();
  judgeEvidence(evidence, findings);
  const indexOf = new Map(evidence.inputs.map((input, index) => [positionOf(input), index]));
  const redelivered = evidence.outputs.map((output) => judgeOutput(output, { evidence, indexOf, findings }));
  judgeCommits(evidence, findings);
  judgeEnds(evidence, findings);
  const { watched } = evidence;
  if (watched) {
    judgeMovement(watched, findings);
    judgeAhead({ ...evidence, watched }, findings);
  }
  const all = findings.all();
  return { isClean: all.length === 0, findings: all, redelivered: redelivered.reduce((sum, each) => sum + each, 0) };
}

/** Of all of them together. */
export function joinVerdicts(verdicts: readonly Verdict[]): Verdict {
  return {
    isClean: verdicts.every(({ isClean }) => isClean),
    findings: verdicts.flatMap(({ findings }) => findings),
    redelivered: verdicts.reduce((sum, { redelivered }) => sum + redelivered, 0),
  };
}

/** "lost 2: in/0/17 is not in kept; in/0/18 is not in kept" for each kind of finding. */
export function describeFindings({ findings }: Verdict): string[] {
  return findings.map(({ kind, count, examples }) => `${kind} ${count}: ${examples.join('; ')}${count > examples.length ? '; …' : ''}`);
}

/** Where nothing went in, nothing can be missing: such a run must not pass. */
function judgeEvidence({ inputs, outputs, commits, ends, watched }: Evidence, findings: Findings): void {
  if (inputs.length === 0) findings.add('no-evidence', 'no record went in');
  if (!inputs.some((input) => outputs.some(({ wanted }) => wanted(input) !== null))) findings.add('no-evidence', 'no output is asked for');
  if (commits.length === 0) findings.add('no-evidence', 'no commit of the group was seen');
  if (watched?.samples.length === 0) findings.add('no-evidence', 'nobody looked while it ran');
  const known = new Set(ends.map(({ topic, partition }) => `${topic}/${partition}`));
  const isRead = (topic: string, partition: number) => known.has(`${topic}/${partition}`);
  const unread = [
    ...inputs.filter(({ topic, partition }) => !isRead(topic, partition)).map(({ topic }) => topic),
    ...outputs.filter(({ topic }) => !ends.some((end) => end.topic === topic)).map(({ topic }) => topic),
  ];
  for (const topic of new Set(unread)) findings.add('no-evidence', `the end of ${topic} is not known`);
}

interface Court {
  evidence: Evidence;
  indexOf: ReadonlyMap<string, number>;
  findings: Findings;
}

/** How many came again, and may. */
function judgeOutput({ topic, records, wanted }: Output, { evidence, indexOf, findings }: Court): number {
  const { inputs, neverCommitted } = evidence;
  const isSeen = new Uint8Array(inputs.length);
  const order = new KeyOrder();
  const reads = evidence.guarantee === 'AtLeastOnce' ? new Reads(evidence, wanted) : null;
  let redelivered = 0;
  for (const record of records) {
    const place = `${topic}/${record.partition}/${record.offset}`;
    const index = record.source === null ? undefined : indexOf.get(record.source);
    const input = index === undefined ? undefined : inputs[index];
    const want = input && wanted(input);
    if (index === undefined || !input || !want) {
      const isUncommitted = !input && record.value !== null && neverCommitted.has(record.value);
      findings.add(isUncommitted ? 'uncommitted' : 'invented', `${place} of ${record.source}`);
      continue;
    }
    if (record.key !== want.key || record.value !== want.value) findings.add('altered', `${place} of ${record.source}`);
    const isRepeated = isSeen[index] === 1;
    isSeen[index] = 1;
    if (isRepeated && !reads) {
      findings.add('doubled', `${place} of ${record.source}`);
      continue;
    }
    if (isRepeated) redelivered++;
    const isOfRead = reads?.take(index, isRepeated) ?? true;
    const reason = isOfRead
      ? order.broken(want.key, { input, partition: record.partition, isRepeated })
      : 'comes again out of the order of any read';
    if (reason) findings.add('reordered', `${place} of ${record.source} ${reason}`);
  }
  for (const [index, input] of inputs.entries()) {
    if (!isSeen[index] && wanted(input)) findings.add('lost', `${positionOf(input)} is not in ${topic}`);
  }
  return redelivered;
}

/** What a topic promises: records of one key that come from one partition keep their order. */
class KeyOrder {
  readonly #last = new Map<string, { offset: number; partition: number }>();

  /** Why the next output of a key breaks the order; undefined where it does not. */
  broken(
    key: string | null,
    { input, partition, isRepeated }: { input: InputRecord; partition: number; isRepeated: boolean },
  ): string | undefined {
    const lane = `${input.topic}/${input.partition}/${key}`;
    const last = this.#last.get(lane);
    if (!last) {
      this.#last.set(lane, { offset: input.offset, partition });
      return undefined;
    }
    if (last.partition !== partition) return `is in another partition than others of its key, in ${last.partition}`;
    if (isRepeated) return undefined;
    if (input.offset < last.offset) return `comes after that of ${last.offset}`;
    last.offset = input.offset;
    return undefined;
  }
}

function judgeCommits({ commits, committed }: Evidence, findings: Findings): void {
  const highest = new Map<string, number>();
  for (const { topic, partition, offset } of [...commits, ...committed]) {
    const place = `${topic}/${partition}`;
    const before = highest.get(place) ?? 0;
    if (offset < before) findings.add('offset-back', `${place} from ${before} to ${offset}`);
    else highest.set(place, offset);
  }
}

function judgeEnds({ inputs, committed, ends }: Evidence, findings: Findings): void {
  const read = new Set(inputs.map(({ topic }) => topic));
  const positions = new Map(committed.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
  for (const { topic, partition, highWatermark, lastStable } of ends) {
    const place = `${topic}/${partition}`;
    if (lastStable !== highWatermark) findings.add('not-drained', `${place} has a transaction open at ${lastStable}`);
    const position = positions.get(place);
    if (read.has(topic) && position !== highWatermark) {
      findings.add('not-drained', `${place} ends at ${highWatermark}, the group is at ${position ?? 'no offset'}`);
    }
  }
}

function judgeMovement(watched: Watched, findings: Findings): void {
  for (const standstill of stalledIn(watched)) {
    const { mover, place, position } = standstill;
    findings.add(`${mover}-stalled`, `${place} at ${position} for ${(lengthOf(standstill) / 1_000).toFixed(1)} s`);
  }
}

function judgeAhead(evidence: Parameters<typeof aheadIn>[0], findings: Findings): void {
  for (const { place, position, topic, partition, end, needed } of aheadIn(evidence)) {
    findings.add('offset-ahead', `${place} at ${position}, while ${topic}/${partition} ended at ${end}, below ${needed}`);
  }
}

function positionOf({ topic, partition, offset }: InputRecord): string {
  return `${topic}/${partition}/${offset}`;
}

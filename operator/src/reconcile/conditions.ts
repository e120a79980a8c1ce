/** What a reconcile found about a step → its conditions, as Kubernetes shows them. Pure. */
import { FINDING_REASONS, type DetailType, type Finding, type FindingReason } from '../reasons.ts';
import type { Workload } from './ports.ts';

export type ConditionType = 'Ready' | 'Reconciling' | 'Stalled' | DetailType;
export type ConditionStatus = 'True' | 'False' | 'Unknown';
/** Closed, with `FINDING_REASONS`. */
export type ConditionReason =
  | FindingReason
  | 'Provisioned'
  /** The plan of the step could not be made, so nothing of it was looked at. */
  | 'NotChecked'
  | 'NotStarted'
  | 'WorkersStarting'
  | 'WorkersReady'
  /** No workers, as the step says. */
  | 'ScaledToZero'
  | 'NoProblem'
  | 'Reconciled';

/** metav1.Condition. */
export interface Condition {
  type: ConditionType;
  status: ConditionStatus;
  reason: ConditionReason;
  message: string;
  /** Absent where the manifest has no generation. */
  observedGeneration?: number;
  /** Of the last change of `status`, RFC 3339. */
  lastTransitionTime: string;
}

/** What a reconcile knows of a step at its end. */
export interface StepObservation {
  generation: number | undefined;
  /** False: no plan could be made; the findings say why. */
  isPlanned: boolean;
  /** Something it depends on does not exist yet. */
  pending: readonly Finding[];
  /** The step was rejected: nothing happens until somebody changes something. */
  problems: readonly Finding[];
  /** Null: it was never applied. */
  workload: Workload | null;
  /** The workload was applied from this manifest, not from a previous one. */
  isCurrent: boolean;
}

type Draft = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** In the order in which they are shown. A status that stays keeps its transition time. */
export function conditionsOf(observed: StepObservation, before: readonly Condition[], now: Date): Condition[] {
  const { generation } = observed;
  return draftsOf(observed).map((draft) => {
    const previous = before.find(({ type, status }) => type === draft.type && status === draft.status);
    return {
      ...draft,
      ...(generation === undefined ? {} : { observedGeneration: generation }),
      lastTransitionTime: previous?.lastTransitionTime ?? now.toISOString(),
    };
  });
}

/** Whether anything but the time differs. */
export function haveChanged(before: readonly Condition[], after: readonly Condition[]): boolean {
  return before.length !== after.length || after.some((condition, index) => !isSame(condition, before[index]));
}

/** `Stalled=True (Incompatible): schema of …` */
export function formatCondition({ type, status, reason, message }: Condition): string {
  return `${type}=${status} (${reason}): ${message}`;
}

/**
 * The changes that the owner of a step has to know: what keeps it from running, once each, and that it no
 * longer does. A worker that takes its time to start is neither.
 */
export function notableChanges(before: readonly Condition[], after: readonly Condition[]): Condition[] {
  const [was, is] = [troubles(before), troubles(after)];
  return after.filter((condition) => {
    const now = is.find(({ type }) => type === condition.type);
    const then = was.find(({ type }) => type === condition.type);
    if (now) return !isSame(now, then);
    return then !== undefined && !isTrouble(condition);
  });
}

function draftsOf(observed: StepObservation): Draft[] {
  const workload = workloadAvailable(observed);
  const details = [
    provisioned('TopicsReady', observed, 'topics and offsets are as the step needs them'),
    provisioned('SchemasReady', observed, 'schemas are as the step needs them'),
    workload,
  ];
  const stalled = stalledOf(observed);
  const reconciling = reconcilingOf(observed, details);
  const cause = [stalled, reconciling].find(({ status }) => status === 'True');
  const ready: Draft = cause ? { ...cause, type: 'Ready', status: 'False' } : { ...workload, type: 'Ready' };
  return [ready, reconciling, stalled, ...details];
}

function provisioned(type: 'TopicsReady' | 'SchemasReady', { problems, pending, isPlanned }: StepObservation, good: string): Draft {
  const found = [...problems, ...pending].filter(({ reason }) => FINDING_REASONS[reason].type === type);
  const [first] = found;
  if (first) return { type, status: FINDING_REASONS[first.reason].status, reason: first.reason, message: textOf(found) };
  if (!isPlanned) return { type, status: 'Unknown', reason: 'NotChecked', message: 'not checked: the step cannot be rendered' };
  return { type, status: 'True', reason: 'Provisioned', message: good };
}

function workloadAvailable({ workload, problems }: StepObservation): Draft {
  const type = 'WorkloadAvailable';
  const failed = problems.filter(({ reason }) => FINDING_REASONS[reason].type === type);
  if (failed[0]) return { type, status: 'False', reason: failed[0].reason, message: textOf(failed) };
  if (!workload) return { type, status: 'False', reason: 'NotStarted', message: 'the step has no workers yet' };
  const { replicas, ready } = workload;
  if (replicas === 0) return { type, status: 'True', reason: 'ScaledToZero', message: 'the step has no workers, as it says' };
  const message = `${ready} of ${replicas} workers are ready`;
  return ready < replicas
    ? { type, status: 'False', reason: 'WorkersStarting', message }
    : { type, status: 'True', reason: 'WorkersReady', message };
}

function stalledOf({ problems, workload, isCurrent }: StepObservation): Draft {
  const [first] = problems;
  if (!first) return { type: 'Stalled', status: 'False', reason: 'NoProblem', message: 'nothing has to be changed' };
  const running = isCurrent ? 'its workers keep running' : 'the previous version keeps running';
  const meanwhile = workload ? running : 'the step is not started';
  return { type: 'Stalled', status: 'True', reason: first.reason, message: `${textOf(problems)}; ${meanwhile}` };
}

function reconcilingOf({ problems, pending }: StepObservation, details: readonly Draft[]): Draft {
  const type = 'Reconciling';
  const [first] = pending;
  if (problems.length > 0) return { type, status: 'False', reason: problems[0]!.reason, message: 'stalled: something has to be changed' };
  if (first) return { type, status: 'True', reason: first.reason, message: textOf(pending) };
  const late = details.find(({ status }) => status !== 'True');
  if (late) return { type, status: 'True', reason: late.reason, message: late.message };
  return { type, status: 'False', reason: 'Reconciled', message: 'the step is as its manifest says' };
}

function textOf(findings: readonly Finding[]): string {
  return [...new Set(findings.map(({ message }) => message))].join('; ');
}

const SHOWN_TYPES: readonly ConditionType[] = ['Stalled', 'TopicsReady', 'SchemasReady', 'WorkloadAvailable', 'Reconciling'];
const QUIET_REASONS: ReadonlySet<ConditionReason> = new Set(['WorkersStarting', 'NotStarted', 'NotChecked']);

/** Of conditions with one reason the first. */
function troubles(conditions: readonly Condition[]): Condition[] {
  const found = SHOWN_TYPES.flatMap((type) => conditions.filter((condition) => condition.type === type && isTrouble(condition)));
  return found.filter(({ reason }, index) => found.findIndex((other) => other.reason === reason) === index);
}

function isTrouble({ type, status, reason }: Condition): boolean {
  const isBad = type === 'Stalled' || type === 'Reconciling' ? status === 'True' : status !== 'True';
  return isBad && !QUIET_REASONS.has(reason);
}

function isSame(a: Condition, b: Condition | undefined): boolean {
  return (
    b !== undefined &&
    a.type === b.type &&
    a.status === b.status &&
    a.reason === b.reason &&
    a.message === b.message &&
    a.observedGeneration === b.observedGeneration
  );
}

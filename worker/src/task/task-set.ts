import type { Assignment, FetchedBatch, GroupMember, MemberEvents, TopicPosition } from '../driver.ts';
import { WorkerError } from '../errors.ts';
import { Attempts } from './attempts.ts';
import { BatchSize } from './batch-size.ts';
import type { TaskState } from './states.ts';
import { Task, type TaskPorts, type TaskSettings } from './task.ts';

export type TaskSetPorts = Omit<TaskPorts, 'member' | 'floorOf' | 'isRecreated' | 'onPosition'>;

/** The tasks of this process: gains and loses them as the group's joins say, and routes batches to them. */
export class TaskSet implements MemberEvents {
  readonly #settings: TaskSettings;
  readonly #ports: TaskSetPorts;
  readonly #tasks = new Map<number, Task>();
  /** The end of each task's instance that was lost last, which may still be closing its producer. */
  readonly #closing = new Map<number, Promise<void>>();
  /** Of every task that this process ever had: a batch that was too much for it shrinks the next one. */
  readonly #sizes = new Map<number, BatchSize>();
  readonly #attempts = new Map<number, Attempts>();
  /** The highest position known of each topic partition, also of tasks that this process had before. */
  readonly #known = new Map<string, TopicPosition>();
  /** Topics that were deleted and created again while this process lived. */
  readonly #recreated = new Set<string>();
  #member: GroupMember | null = null;
  #memberId: string | null = null;
  #generation = -1;
  #isDraining = false;

  constructor(settings: TaskSettings, ports: TaskSetPorts) {
    this.#settings = settings;
    this.#ports = ports;
  }

  /** The member that these events come from; given once, before it joins. */
  use(member: GroupMember): void {
    this.#member = member;
  }

  /** Member of the group, and every task it was given is fenced and restored. */
  get isReady(): boolean {
    return this.#memberId !== null && [...this.#tasks.values()].every((task) => task.isReady);
  }

  /** Every task made progress, waits, or had nothing to do. */
  get isAlive(): boolean {
    return [...this.#tasks.values()].every((task) => !task.isStuck);
  }

  get states(): Record<number, TaskState> {
    return Object.fromEntries([...this.#tasks].map(([number, task]) => [number, task.state]));
  }

  /** Why the breaker stopped tasks, by task. */
  get stopReasons(): Record<number, string> {
    return Object.fromEntries([...this.#tasks].flatMap(([number, { stopReason }]) => (stopReason === null ? [] : [[number, stopReason]])));
  }

  /** Once drained: where tasks stand, if it is certain that nothing beyond was committed. */
  get atRest(): TopicPosition[] {
    const tasks = [...this.#tasks.values()].filter((task) => task.isAtRest);
    return tasks.flatMap(({ number, topics }) => topics.map((topic) => this.#known.get(`${topic}/${number}`)!));
  }

  onAssigned(assignment: Assignment): void {
    try {
      this.#assign(assignment);
    } catch (error) {
      // A listener that throws would crash the consumer and leave the process half alive
      this.#ports.onFatal(new WorkerError('unexpected', 'fatal', 'could not take over an assignment', { cause: error }));
    }
  }

  onBatch(batch: FetchedBatch): void {
    this.#tasks.get(batch.partition)?.offer(batch);
  }

  isMemoryFull(): boolean {
    return this.#ports.memory.isFull;
  }

  knownPositions(): TopicPosition[] {
    return [...this.#known.values()];
  }

  onOutOfRange({ topic, partition }: TopicPosition, earliest: bigint): void {
    const known = this.#known.get(`${topic}/${partition}`)?.offset ?? 0n;
    if (earliest < known) {
      this.#ports.onFatal(
        new WorkerError(
          'offset-out-of-range',
          'fatal',
          `${topic}/${partition} ends before ${known}, the position of group ${this.#settings.group}: the topic was ` +
            "recreated or truncated. Reset the group's offsets to where it should continue (kafka-consumer-groups --reset-offsets)",
        ),
      );
      return;
    }
    this.#ports.log.error(
      { topic, partition, from: String(known), to: String(earliest) },
      "records were deleted by the topic's retention before they were read",
    );
    this.#tasks.get(partition)?.moveTo(topic, earliest);
  }

  onRecreated(topic: string, partition: number): void {
    this.#known.delete(`${topic}/${partition}`);
    this.#recreated.add(topic);
    this.#tasks
      .get(partition)
      ?.startAgain(
        new WorkerError(
          'topic-recreated',
          'systemic',
          `topic ${topic} was deleted and created again: its records are read from the beginning`,
        ),
      );
  }

  onUnreadable(error: Error): void {
    this.#ports.onFatal(error);
  }

  onCrash(error: Error): void {
    this.#ports.onFatal(error);
  }

  /** Finishes what is under way in every task; resolves when nothing of them can write any more. */
  async drain(): Promise<void> {
    this.#isDraining = true;
    for (const task of this.#tasks.values()) task.drain();
    await Promise.all([...this.#tasks.values()].map((task) => task.done));
    await Promise.all(this.#closing.values());
  }

  #assign({ memberId, generation, tasks, floors, handedOver }: Assignment): void {
    for (const floor of floors) this.#know(floor);
    // Under a new member id, or in a generation that this member missed, others may have had its tasks
    const hasHeldOn = memberId === this.#memberId && generation === this.#generation + 1;
    this.#memberId = memberId;
    this.#generation = generation;
    for (const [number, task] of this.#tasks) {
      if (!hasHeldOn || !sameTopics(task.topics, tasks.get(number) ?? [])) this.#lose(task);
    }
    if (this.#isDraining) return;
    for (const [number, topics] of tasks) {
      if (!this.#tasks.has(number)) this.#gain(number, topics, handedOver.has(number));
    }
    this.#ports.log.info({ tasks: [...this.#tasks.keys()].sort((a, b) => a - b), memberId }, 'joined the group');
  }

  #gain(number: number, topics: readonly string[], isHandedOver: boolean): void {
    const ports: TaskPorts = {
      ...this.#ports,
      member: this.#member!,
      isRecreated: (topic) => this.#recreated.has(topic),
      floorOf: (topic, partition) => this.#known.get(`${topic}/${partition}`)?.offset ?? null,
      onPosition: (topic, partition, offset) => this.#know({ topic, partition, offset }),
    };
    const size = this.#sizes.get(number) ?? new BatchSize(this.#settings.maxRecords);
    this.#sizes.set(number, size);
    const attempts = this.#attempts.get(number) ?? new Attempts(this.#settings.maxRecords);
    this.#attempts.set(number, attempts);
    const before = this.#closing.get(number) ?? Promise.resolve();
    this.#tasks.set(number, new Task({ number, topics, size, attempts, isHandedOver, before }, this.#settings, ports));
  }

  #lose(task: Task): void {
    task.lose();
    this.#tasks.delete(task.number);
    this.#closing.set(task.number, task.done);
  }

  #know(position: TopicPosition): void {
    const key = `${position.topic}/${position.partition}`;
    const before = this.#known.get(key);
    if (!before || before.offset < position.offset) this.#known.set(key, position);
  }
}

function sameTopics(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((topic) => b.includes(topic));
}

/**
 * - `FENCING`: the owner before is fenced, and what it left open is ended.
 * - `HUNG`: fencing failed, since a transaction is open that only an administrator can end.
 * - `RESTORING`: the committed positions are read.
 * - `RUNNING`: records are processed.
 * - `STOPPED`: nearly everything became a dead letter, and somebody has to say that it goes on.
 * - `DRAINING`: what is under way is finished, then it ends.
 * - `LOST`: the task is another member's, or the process ends; nothing may be written any more.
 */
export type TaskState = 'FENCING' | 'HUNG' | 'RESTORING' | 'RUNNING' | 'STOPPED' | 'DRAINING' | 'LOST';

interface StateRules {
  next: readonly TaskState[];
  /** Fetched batches are queued; in other states they were fetched before it was known where to begin. */
  takesInput?: true;
  /** The process can tell its probe that it is ready. */
  isReady?: true;
  /** It takes no more records, and ends. */
  isOver?: true;
}

const RULES: Record<TaskState, StateRules> = {
  FENCING: { next: ['FENCING', 'HUNG', 'RESTORING', 'DRAINING', 'LOST'] },
  HUNG: { next: ['FENCING', 'HUNG', 'RESTORING', 'DRAINING', 'LOST'] },
  RESTORING: { next: ['FENCING', 'RUNNING', 'STOPPED', 'DRAINING', 'LOST'] },
  RUNNING: { next: ['FENCING', 'STOPPED', 'DRAINING', 'LOST'], takesInput: true, isReady: true },
  STOPPED: { next: ['FENCING', 'DRAINING', 'LOST'], isReady: true },
  DRAINING: { next: ['LOST'], isReady: true, isOver: true },
  LOST: { next: [], isOver: true },
};

/** The state of one task. What is over stays over: a move that comes too late has no effect. */
export class TaskStates {
  #now: TaskState = 'FENCING';

  get now(): TaskState {
    return this.#now;
  }

  get takesInput(): boolean {
    return RULES[this.#now].takesInput ?? false;
  }

  get isReady(): boolean {
    return RULES[this.#now].isReady ?? false;
  }

  get isOver(): boolean {
    return RULES[this.#now].isOver ?? false;
  }

  /** @throws where the table has no such move, which is a defect */
  move(to: TaskState): void {
    if (RULES[this.#now].next.includes(to)) this.#now = to;
    else if (!this.isOver) throw new Error(`a task cannot go from ${this.#now} to ${to}`);
  }
}

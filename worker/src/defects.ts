import { messageOf, WorkerError } from './errors.ts';

/** Then what is held in memory may be at fault, and only a new process is without it. */
const MAX_IN_A_ROW = 3;

/** Counts the defects of ours that one task meets without coming any further. */
export class Defects {
  readonly #task: number;
  #inARow = 0;

  constructor(task: number) {
    this.#task = task;
  }

  /** Something was committed. */
  progressed(): void {
    this.#inARow = 0;
  }

  /** The error itself, or one that ends the process where it is one defect too many. */
  judge(error: unknown): unknown {
    if (!isDefect(error) || ++this.#inARow < MAX_IN_A_ROW) return error;
    const message = `task ${this.#task} failed ${MAX_IN_A_ROW} times in a row, the process ends: ${messageOf(error)}`;
    return new WorkerError('defect', 'fatal', message, { cause: error });
  }
}

/** Log fields: where in our code a defect is, which its message alone does not tell. */
export function stackOfDefect(error: unknown): { stack?: string } {
  return isDefect(error) && error.cause instanceof Error ? { stack: error.cause.stack ?? '' } : {};
}

function isDefect(error: unknown): error is WorkerError {
  return error instanceof WorkerError && error.code === 'defect';
}

import { expect, test } from 'vitest';
import { TaskStates, type TaskState } from './states.ts';

function after(...moves: TaskState[]): TaskStates {
  const states = new TaskStates();
  for (const move of moves) states.move(move);
  return states;
}

const WAYS: Record<string, { moves: TaskState[]; is: Partial<Record<'now' | 'takesInput' | 'isReady' | 'isOver', unknown>> }> = {
  'a task that is being fenced takes nothing and is not ready': {
    moves: [],
    is: { now: 'FENCING', takesInput: false, isReady: false, isOver: false },
  },
  'nor while it reads its positions': { moves: ['RESTORING'], is: { takesInput: false, isReady: false } },
  'one that runs takes records': { moves: ['RESTORING', 'RUNNING'], is: { takesInput: true, isReady: true, isOver: false } },
  'one that the breaker stopped takes none, and its process is ready': {
    moves: ['RESTORING', 'RUNNING', 'STOPPED'],
    is: { takesInput: false, isReady: true, isOver: false },
  },
  'one that starts again is not ready until it runs': {
    moves: ['RESTORING', 'RUNNING', 'FENCING'],
    is: { takesInput: false, isReady: false },
  },
  'one that waits for an administrator can be fenced after all': { moves: ['HUNG', 'RESTORING'], is: { now: 'RESTORING' } },
  'one that is draining takes nothing more': { moves: ['RESTORING', 'RUNNING', 'DRAINING'], is: { takesInput: false, isOver: true } },
  'one that is draining can be lost': { moves: ['DRAINING', 'LOST'], is: { now: 'LOST', isReady: false } },
  'what is lost stays lost': { moves: ['LOST', 'RUNNING', 'FENCING', 'DRAINING'], is: { now: 'LOST', isOver: true } },
};

test.each(Object.entries(WAYS))('%s', (_sentence, { moves, is }) => {
  expect(after(...moves)).toMatchObject(is);
});

test('a move that the table does not list is a defect', () => {
  expect(() => after('RUNNING')).toThrow('from FENCING to RUNNING');
});

const WAYS_TO: Record<string, TaskState[]> = {
  'that is fenced': [],
  'that waits for an administrator': ['HUNG'],
  'that reads its positions': ['RESTORING'],
  'that runs': ['RESTORING', 'RUNNING'],
  'that is stopped': ['RESTORING', 'RUNNING', 'STOPPED'],
};

test.each(Object.entries(WAYS_TO))('a task %s can start again, be drained and be lost', (_sentence, way) => {
  for (const to of ['FENCING', 'DRAINING', 'LOST'] as const) expect(after(...way, to).now).toBe(to);
});

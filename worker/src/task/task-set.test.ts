import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import type { Assignment, Driver, GroupMember } from '../driver.ts';
import { ListedBatch } from '../../test/support/listed-batch.ts';
import { soon } from '../../test/support/soon.ts';
import { Gate } from '../gate.ts';
import { Outputs } from '../pipeline/outputs.ts';
import { SizeLimits } from '../pipeline/size-limits.ts';
import { QueueMemory } from './queue.ts';
import { TaskSet } from './task-set.ts';
import { systemTiming } from '../timing.ts';

/** A group and its broker: what this member asked of them, in order. */
class FakeGroup {
  readonly calls: string[] = [];
  readonly fatal: unknown[] = [];
  committed: bigint | null = 5n;
  beforeFencing: Promise<void> = Promise.resolve();
  readonly tasks: TaskSet;
  begin: () => Promise<never> = async () => { throw new Error('nothing to write'); };
  #generation = 0;

  constructor() {
    const driver: Pick<Driver, 'fenceTask'> = {
      fenceTask: async (task: number) => {
        await this.beforeFencing;
        this.calls.push(`fence ${task}`);
        return { begin: () => this.begin(), discard: async () => { this.calls.push(`discard ${task}`); } };
      },
    };
    const member = {
      pause: (_topics: readonly string[], task: number) => { this.calls.push(`pause ${task}`); },
      release: (_topics: readonly string[], task: number) => { this.calls.push(`release ${task}`); },
      resume: (_topics: readonly string[], task: number) => { this.calls.push(`resume ${task}`); },
      seek: (_topic: string, task: number, offset: bigint) => { this.calls.push(`seek ${task} to ${offset}`); },
      proveMembership: async () => undefined,
      committedOffsets: async () => ['in', 'more'].flatMap((topic) => [0, 1].map((partition) => ({ topic, partition, offset: topic === 'in' ? this.committed : 5n }))),
      earliestOffset: async () => 2n,
      coordinatorTroubleAgeMs: () => Infinity,
      coordinatorKnownForMs: () => Infinity,
      offsetUnchangedForMs: () => 0,
    };
    this.tasks = new TaskSet({
      group: 'default.payment', step: 'payment', maxRecords: 100, lingerMs: 0, stopAfter: 0, settingsHash: '', queue: { highBytes: 1_000, lowBytes: 100 },
    }, {
      driver,
      pipeline: {
        prepare: async () => undefined,
        run: async (_records, { streak }) => ({ outputs: new Outputs(() => new ListedBatch(), new SizeLimits()), count: 0, streak, isTripped: false, longestMs: 0 }),
        deadLetters: () => { throw new Error('nothing is refused'); },
      },
      sizeLimits: new SizeLimits(), timing: systemTiming, log: pino({ level: 'silent' }), memory: new QueueMemory(1_000_000), gate: new Gate(() => new Promise(() => undefined)),
      onFatal: (error) => { this.fatal.push(error); },
    });
    this.tasks.use(member as unknown as GroupMember);
  }

  /** The next join; resolves when every task runs, with the calls since. */
  async join(tasks: readonly number[]): Promise<string[]> {
    const from = this.calls.length;
    this.tasks.onAssigned({
      memberId: 'a', generation: ++this.#generation, tasks: new Map(tasks.map((task) => [task, ['in']])), floors: [], handedOver: new Set(),
    });
    await soon(() => this.tasks.isReady).toBe(true);
    return this.calls.slice(from);
  }
}

describe('a task that is still there after a join', () => {
  test('goes on reading as if nothing had happened', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    expect(await group.join([0])).toEqual(['release 1', 'discard 1']);
  });

  const OWNED_BY_OTHERS: Record<string, Partial<Assignment>> = {
    'under a new member id, as after a crash': { memberId: 'b' },
    'in a later generation than the next, since another owner may have committed more': { generation: 3 },
    'with other topics': { tasks: new Map([[0, ['in', 'more']]]) },
  };

  test.each(Object.entries(OWNED_BY_OTHERS))('is not read any more and fenced as if it were new %s', async (_sentence, changes) => {
    const group = new FakeGroup();
    await group.join([0]);
    group.tasks.onAssigned({ memberId: 'a', generation: 2, tasks: new Map([[0, ['in']]]), floors: [], handedOver: new Set(), ...changes });
    const since = group.calls.indexOf('resume 0') + 1;
    await soon(() => group.calls.slice(since, since + 3)).toEqual(['release 0', 'discard 0', 'fence 0']);
  });
});

describe('drained', () => {
  test('tasks tell where they stand', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    await group.tasks.drain();
    expect(group.tasks.atRest).toEqual([0, 1].map((partition) => ({ topic: 'in', partition, offset: 5n })));
  });

  test('one that was in the middle of a transaction tells nothing', async () => {
    const group = new FakeGroup();
    await group.join([0, 1]);
    const writing = Promise.withResolvers<never>();
    group.begin = () => { group.calls.push('begin'); return writing.promise; };
    group.tasks.onBatch({ topic: 'in', partition: 0, records: [], nextOffset: 6n, bytes: 1 });
    await soon(() => group.calls).toContain('begin');
    const drained = group.tasks.drain();
    writing.reject(new Error('no answer'));
    await drained;
    expect(group.tasks.atRest).toEqual([{ topic: 'in', partition: 1, offset: 5n }]);
  });
});

describe('a topic that was deleted and created again', () => {
  test('is read from its beginning, wherever the group was in the one before', async () => {
    const group = new FakeGroup();
    await group.join([0]);
    group.committed = null;
    group.tasks.onRecreated('in', 0);
    await soon(() => group.calls.slice(-2)).toEqual(['seek 0 to 2', 'resume 0']);
    expect(group.fatal).toEqual([]);
    expect(group.tasks.knownPositions()).toEqual([{ topic: 'in', partition: 0, offset: 2n }]);
  });
});

test('a listener that fails ends the process and not the consumer', () => {
  const group = new FakeGroup();
  group.tasks.onAssigned({ memberId: 'a', generation: 1, tasks: null as never, floors: [], handedOver: new Set() });
  expect(group.fatal).toEqual([expect.objectContaining({ code: 'unexpected', consequence: 'fatal' })]);
});

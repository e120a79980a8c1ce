import { describe, expect, test } from 'vitest';
import type { StepNeeds, TopicNeed } from './needs.ts';
import { planTopics, type TopicState } from './topics.ts';

function topic(name: string, changes: Partial<TopicNeed> = {}): TopicNeed {
  return { name, partitions: 3, arePartitionsSet: false, replicationFactor: 1, config: {}, isManaged: true, ...changes };
}

function needs(topics: TopicNeed[]): StepNeeds {
  return {
    step: 'payment',
    group: 'default.payment',
    startFrom: 'earliest',
    inputs: ['order_created'],
    topics,
    deadLetterTopic: 'default.payment.dlq',
    schemas: [],
    maySleep: false,
  };
}

function state(topics: Record<string, [partitions: number, config?: Record<string, string>]>): TopicState {
  return {
    topics: Object.entries(topics).map(([name, [partitions]]) => ({ name, partitions, replicationFactor: 1 })),
    configs: new Map(Object.entries(topics).map(([name, [, config = {}]]) => [name, config])),
  };
}

const INPUT = { order_created: [3, { 'max.message.bytes': '1048588' }] } as const;

describe('planned topics', () => {
  test('missing ones are created', () => {
    const plan = planTopics(needs([topic('order_paid')]), state({ order_created: [3] }));
    expect(plan.create).toEqual([{ name: 'order_paid', partitions: 3, replicationFactor: 1, config: {} }]);
  });

  test('nothing is done where all is there', () => {
    const plan = planTopics(needs([topic('order_paid')]), state({ order_created: [3], order_paid: [3] }));
    expect(plan).toEqual({ create: [], grow: [], configure: [], pending: [], problems: [] });
  });

  test('too few partitions grow, more than asked for stay', () => {
    const plan = planTopics(needs([topic('a'), topic('b')]), state({ order_created: [3], a: [1], b: [12] }));
    expect(plan.grow).toEqual([{ name: 'a', partitions: 3 }]);
  });

  test('fewer partitions than there are cannot be had', () => {
    const plan = planTopics(needs([topic('a', { arePartitionsSet: true })]), state({ order_created: [3], a: [12] }));
    expect(plan).toMatchObject({
      grow: [],
      problems: [
        {
          reason: 'PartitionsCannotShrink',
          message: expect.stringContaining('topic a has 12 partitions and Kafka takes none away') as string,
        },
      ],
    });
  });

  test('a dead letter topic takes the largest record of the inputs and 64 KiB of headers', () => {
    const [created] = planTopics(needs([topic('default.payment.dlq')]), state({ ...INPUT } as never)).create;
    expect(created!.config).toEqual({ 'max.message.bytes': '1114124' });
  });

  test('a dead letter topic that exists grows with its inputs', () => {
    const plan = planTopics(
      needs([topic('default.payment.dlq')]),
      state({
        order_created: [3, { 'max.message.bytes': '16777216' }],
        'default.payment.dlq': [3, { 'max.message.bytes': '1114124', 'cleanup.policy': 'delete' }],
      }),
    );
    expect(plan.configure).toEqual([{ name: 'default.payment.dlq', changes: { 'max.message.bytes': '16842752' } }]);
  });

  test('a dead letter topic that somebody else made is not to be compacted', () => {
    const dlq = topic('default.payment.dlq', { isManaged: false, config: { 'cleanup.policy': 'delete' } });
    const compacted = (policy: string) =>
      planTopics(needs([dlq]), state({ order_created: [3], [dlq.name]: [3, { 'cleanup.policy': policy }] })).problems;
    expect(compacted('compact,delete')).toMatchObject([
      { reason: 'TopicCompacted', message: expect.stringContaining('topic default.payment.dlq is compacted') as string },
    ]);
    expect(compacted('delete')).toEqual([]);
  });

  test('dead letter topics that steps share keep the highest limit', () => {
    const plan = planTopics(
      needs([topic('default.payment.dlq')]),
      state({
        ...INPUT,
        'default.payment.dlq': [3, { 'max.message.bytes': '16842752' }],
      } as never),
    );
    expect(plan.configure).toEqual([]);
  });

  test('an input that nobody has made yet is waited for', () => {
    expect(planTopics(needs([]), state({})).pending).toEqual([
      { reason: 'TopicMissing', message: expect.stringContaining('topic order_created, which step payment consumes') as string },
    ]);
  });

  test('a topic that is not ours to make is waited for', () => {
    const plan = planTopics(needs([topic('order_paid', { isManaged: false })]), state({ order_created: [3] }));
    expect(plan.create).toEqual([]);
    expect(plan.pending).toEqual([{ reason: 'TopicMissing', message: expect.stringContaining('topics.manage is false') as string }]);
  });
});

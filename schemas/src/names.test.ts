import { describe, expect, test } from 'vitest';
import { deadLetterTopicOf, groupOf, inboxTopicOf, topicGlobMatches } from './names.ts';

const outcomes = { done: { emit: [] } };

describe('names that follow from a step', () => {
  test('are made of namespace and name', () => {
    const step = { metadata: { name: 'payment', namespace: 'shop' }, spec: { outcomes } };
    expect(groupOf(step)).toBe('shop.payment');
    expect(deadLetterTopicOf(step)).toBe('shop.payment.dlq');
    expect(inboxTopicOf(step)).toBeNull();
  });

  test('follow a group that the step names', () => {
    const ingress = { http: { path: '/orders', key: 'event.orderId' } };
    const step = { metadata: { name: 'order' }, spec: { group: 'orders', ingress, outcomes } };
    expect(deadLetterTopicOf(step)).toBe('orders.dlq');
    expect(inboxTopicOf(step)).toBe('orders.inbox');
  });

  test('a dead-letter topic that the step names stands', () => {
    const step = { metadata: { name: 'payment' }, spec: { deadLetter: { topic: 'trouble' }, outcomes } };
    expect(deadLetterTopicOf(step)).toBe('trouble');
  });
});

const globs: Record<string, [glob: string, topic: string, matches: boolean]> = {
  'a star is any text': ['order_*', 'order_paid', true],
  'a star is also no text': ['order_*', 'order_', true],
  'what stands before the star must be there': ['order_*', 'my_order_paid', false],
  'a dot is a dot': ['order.*', 'order_paid', false],
  'a star stands anywhere': ['*_order_*_v1', 'eu_order_paid_v1', true],
  'without a star it is a name': ['order', 'orders', false],
};
describe('a topic glob', () => {
  test.each(Object.entries(globs))('%s', (_, [glob, topic, matches]) => expect(topicGlobMatches(glob, topic)).toBe(matches));
});

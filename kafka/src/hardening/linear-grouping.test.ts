import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { linearGrouping } from './linear-grouping.ts';

interface Message { key: string; partition: number }
type Group = (grouping: object) => Record<number, Message[]>;

const GROUPING = 'producer/groupMessagesPerPartition';

function groupers(): { stock: Group; ours: Group } {
  const published = privateCopy();
  const hardened = privateCopy(linearGrouping);
  onTestFinished(() => [published, hardened].forEach((copy) => copy[Symbol.dispose]()));
  return { stock: published.internals.load(GROUPING) as Group, ours: hardened.internals.load(GROUPING) as Group };
}

const grouping = (messages: Message[], partitionMetadata: unknown[] = [{}, {}, {}]) =>
  ({ topic: 'topic', partitionMetadata, messages, partitioner: ({ message }: { message: Message }) => message.partition });

const messages = (count: number) => Array.from({ length: count }, (_, at) => ({ key: String(at), partition: at % 3 }));

test('groups as kafkajs does, in order', () => {
  const { stock, ours } = groupers();
  expect(ours(grouping(messages(10)))).toEqual(stock(grouping(messages(10))));
  expect(ours(grouping(messages(10), []))).toEqual({});
});

test('20,000 messages take a fraction of the time', () => {
  const { stock, ours } = groupers();
  const elapsed = (group: Group) => {
    const start = performance.now();
    group(grouping(messages(20_000)));
    return performance.now() - start;
  };
  expect(elapsed(ours)).toBeLessThan(elapsed(stock) / 10);
});

import { expect, test } from 'vitest';
import type { ClusterMetadata, TopicMetadata } from '../wire/metadata.ts';
import { Leaders } from './leaders.ts';

const topic = (name: string, fields: Partial<TopicMetadata> = {}): TopicMetadata => ({
  errorCode: 0,
  name,
  id: `id of ${name}`,
  partitions: [{ partition: 0, leader: 1, leaderEpoch: 4 }],
  ...fields,
});

/** Answers when the test says so. */
function open(...known: TopicMetadata[]) {
  const asked: { names: readonly string[]; answer: PromiseWithResolvers<ClusterMetadata> }[] = [];
  const leaders = new Leaders({
    metadata: (names) => {
      asked.push({ names, answer: Promise.withResolvers() });
      return asked.at(-1)!.answer.promise;
    },
  });
  const answer = (at: number) =>
    asked[at]!.answer.resolve({
      brokers: [],
      topics: asked[at]!.names.map((name) => known.find((each) => each.name === name) ?? topic(name, { errorCode: 3, partitions: [] })),
    });
  return { leaders, asked, answer };
}

test('what was seen is not asked for again', async () => {
  const { leaders, asked, answer } = open(topic('a'));
  const first = leaders.ensure(['a']);
  answer(0);
  await first;
  await leaders.ensure(['a']);
  expect(asked).toHaveLength(1);
  expect(leaders.leaderOf('a', 0)).toEqual({ partition: 0, leader: 1, leaderEpoch: 4 });
});

test('a topic that does not exist is an error, and none of what is known otherwise', async () => {
  const { leaders, answer } = open(topic('a'));
  const looking = leaders.ensure(['a', 'b']);
  answer(0);
  await expect(looking).rejects.toMatchObject({ type: 'UNKNOWN_TOPIC_OR_PARTITION' });
  expect([leaders.topic('b'), leaders.leaderOf('b', 0), leaders.topic('never asked for')]).toEqual([undefined, undefined, undefined]);
  expect(() => leaders.expect('never asked for')).toThrow(/topic/);
  expect(leaders.expect('a').id).toBe('id of a');
});

test('a topic that may not be seen says so', async () => {
  const { leaders, answer } = open(topic('a', { errorCode: 29, partitions: [] }));
  const looking = leaders.ensure(['a']);
  answer(0);
  await expect(looking).rejects.toMatchObject({ type: 'TOPIC_AUTHORIZATION_FAILED' });
});

test('partitions stand at their numbers, with or without a leader', async () => {
  const { leaders, answer } = open(
    topic('a', {
      partitions: [
        { partition: 1, leader: 2, leaderEpoch: 0 },
        { partition: 0, leader: null, leaderEpoch: 7 },
        { partition: 2, leader: 3, leaderEpoch: 1 },
      ],
    }),
  );
  const looking = leaders.look(['a']);
  answer(0);
  await looking;
  expect([0, 1, 2, 3].map((partition) => leaders.leaderOf('a', partition)?.leader)).toEqual([undefined, 2, 3, undefined]);
});

test('who looks while another look is under way joins it, unless it does not ask for the topic', async () => {
  const { leaders, asked, answer } = open(topic('a'), topic('b'), topic('c'));
  const looks = [leaders.look(['a']), leaders.look(), leaders.look(['a']), leaders.ensure(['b']), leaders.ensure(['c'])];
  answer(0);
  await Promise.all(looks.slice(0, 3));
  await expect.poll(() => asked.length).toBe(2);
  answer(1);
  await Promise.all(looks);
  expect(asked.map(({ names }) => names)).toEqual([['a'], ['a', 'b', 'c']]);
});

test('a look that fails is an error of those who joined it, and the next one looks again', async () => {
  const { leaders, asked, answer } = open(topic('a'), topic('b'));
  const [first, joined, other] = [leaders.look(['a']), leaders.look(['a']), leaders.look(['b'])];
  asked[0]!.answer.reject(new Error('no broker'));
  await expect(first).rejects.toThrow('no broker');
  await expect(joined).rejects.toThrow('no broker');
  await expect.poll(() => asked.length).toBe(2);
  answer(1);
  await other;
  expect(leaders.topic('b')).toBeDefined();
});

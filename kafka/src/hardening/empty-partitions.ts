import type { Override, Prototype } from './override.ts';

interface Fetched { responses: { topicName: string; partitions: { messages: unknown[] }[] }[] }
type Fetch = (this: unknown, request: object) => Promise<Fetched>;
type BrokerClass = Prototype<{ fetch: Fetch }>;

const repaired = new WeakSet<Fetch>();

/**
 * A fetch answers for every partition that was asked for, also where nothing came, and kafkajs makes a
 * batch of each, which it hands on, counts and tells listeners of: with 100 idle partitions that is
 * most of what an idle worker does.
 */
function withoutEmptyPartitions(fetch: Fetch): Fetch {
  async function fetchRecords(this: unknown, request: object): Promise<Fetched> {
    const answer = await fetch.call(this, request);
    const responses = answer.responses.map(({ topicName, partitions }) =>
      ({ topicName, partitions: partitions.filter(({ messages }) => messages.length > 0) }));
    return { ...answer, responses };
  }
  repaired.add(fetchRecords);
  return fetchRecords;
}

export const emptyPartitions: Override = {
  name: 'empty-partitions',
  install: (internals) => {
    const { prototype } = internals.load('broker') as BrokerClass;
    prototype.fetch = withoutEmptyPartitions(prototype.fetch);
  },
  isActive: (internals) => repaired.has((internals.load('broker') as BrokerClass).prototype.fetch),
};

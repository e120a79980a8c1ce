/** Did every order go through all steps exactly once? From what an independent reader finds in the topics. Pure. */

/** The events of one order, in the order of its way. */
export const ORDER_TOPICS = ['order_created', 'order_paid', 'inventory_reserved', 'order_shipped', 'order_delivered'] as const;
export type OrderTopic = (typeof ORDER_TOPICS)[number];

/** Each hop of the saga: the event that a step consumed, and the one that it emitted. */
const HOPS: readonly { step: string; from: OrderTopic; to: OrderTopic }[] = [
  { step: 'payment', from: 'order_created', to: 'order_paid' },
  { step: 'inventory', from: 'order_created', to: 'inventory_reserved' },
  { step: 'shipping', from: 'order_paid', to: 'order_shipped' },
  { step: 'delivery', from: 'order_shipped', to: 'order_delivered' },
];

export interface OrderRecord {
  topic: string;
  key: string;
  timestampMs: number;
}
export interface PartitionEnd {
  topic: string;
  partition: number;
  end: bigint;
}
export interface PartitionCommit {
  topic: string;
  partition: number;
  offset: bigint | null;
}

export interface Findings {
  /** Of the order topics and the dead-letter topics. */
  records: readonly OrderRecord[];
  deadLetterTopics: readonly string[];
  ends: readonly PartitionEnd[];
  /** Of the group of notification, the step at the end. */
  committed: readonly PartitionCommit[];
}

export interface Verdict {
  orders: number;
  /** Orders with each of the five events exactly once. */
  completed: number;
  /** Events that are there more than once, each surplus one counted. */
  duplicates: number;
  /** Events that are not there. */
  missing: number;
  deadLetters: number;
  /** Partitions of order_* whose end notification has not committed. */
  behind: number;
  topics: Record<string, number>;
  /** Median milliseconds from the event consumed to the event emitted. */
  hopsMs: Record<string, number>;
}

export function judgeOrders(orderIds: readonly string[], findings: Findings): Verdict {
  const counts = countEvents(orderIds, findings.records);
  const perOrder = orderIds.map((id) => ORDER_TOPICS.map((topic) => counts.get(id)![topic]));
  const events = perOrder.flat();
  const isOf =
    (topic: string) =>
    ({ topic: other }: { topic: string }) =>
      other === topic;
  return {
    orders: orderIds.length,
    completed: perOrder.filter((each) => each.every((count) => count === 1)).length,
    duplicates: events.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    missing: events.filter((count) => count === 0).length,
    deadLetters: findings.records.filter(({ topic }) => findings.deadLetterTopics.includes(topic)).length,
    behind: partitionsBehind(findings),
    topics: Object.fromEntries(ORDER_TOPICS.map((topic) => [topic, findings.records.filter(isOf(topic)).length])),
    hopsMs: medianHops(new Set(orderIds), findings.records),
  };
}

export function isPerfect({ orders, completed, duplicates, missing, deadLetters, behind }: Verdict): boolean {
  return completed === orders && duplicates === 0 && missing === 0 && deadLetters === 0 && behind === 0;
}

function countEvents(orderIds: readonly string[], records: readonly OrderRecord[]): Map<string, Record<OrderTopic, number>> {
  const zero = () => Object.fromEntries(ORDER_TOPICS.map((topic) => [topic, 0])) as Record<OrderTopic, number>;
  const counts = new Map(orderIds.map((id) => [id, zero()]));
  for (const { topic, key } of records) {
    const order = counts.get(key);
    if (order && (ORDER_TOPICS as readonly string[]).includes(topic)) order[topic as OrderTopic]++;
  }
  return counts;
}

function partitionsBehind({ ends, committed }: Findings): number {
  const offsets = new Map(committed.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
  return ends
    .filter(({ topic }) => topic.startsWith('order_'))
    .filter(({ topic, partition, end }) => (offsets.get(`${topic}/${partition}`) ?? null) !== end).length;
}

function medianHops(orderIds: ReadonlySet<string>, records: readonly OrderRecord[]): Record<string, number> {
  const times = new Map<string, number>();
  for (const { topic, key, timestampMs } of records) if (orderIds.has(key)) times.set(`${topic}/${key}`, timestampMs);
  return Object.fromEntries(
    HOPS.map(({ step, from, to }) => {
      const waits = [...orderIds].flatMap((id) => {
        const [start, end] = [times.get(`${from}/${id}`), times.get(`${to}/${id}`)];
        return start === undefined || end === undefined ? [] : [end - start];
      });
      return [step, median(waits)];
    }),
  );
}

function median(values: number[]): number {
  const sorted = values.sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}

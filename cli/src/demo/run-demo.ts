import { KafkaAdmin } from '@sagafleet/kafka';
import { plainConnection, readBack, type Session } from '@sagafleet/local';
/** N orders through the six steps of `examples/order/`, and what an independent reader finds of them. */
import { deadLetterTopicOf, groupOf, type SagaStep } from '@sagafleet/schemas';
import { KAFKA_OPTIONS } from '../connections.ts';
import { CliError } from '../errors.ts';
import { judgeOrders, ORDER_TOPICS, type OrderRecord, type Verdict } from './judge.ts';

/** The step at the end: its group is at the end of all topics when everything is done. */
const LAST_STEP = 'notification';
const FIRST_STEP = 'order';
const DONE_DEADLINE_MS = 120_000;
const POLL_MS = 100;
const CONCURRENT_POSTS = 8;

export interface DemoOptions {
  orderIds: readonly string[];
  steps: readonly SagaStep[];
  onProgress(sent: number, delivered: number): void;
}

export interface DemoResult {
  verdict: Verdict;
  records: OrderRecord[];
  seconds: number;
}

/** Sends the orders, waits until all groups are at the ends of their topics, then reads back and judges. */
export async function runDemo({ platform, fleet }: Session, options: DemoOptions): Promise<DemoResult> {
  const startedAt = performance.now();
  const url = `http://127.0.0.1:${fleet.ingressPortOf(FIRST_STEP)}/orders`;
  let sent = 0;
  await inParallel(options.orderIds, async (orderId) => {
    await postOrder(url, orderId);
    options.onProgress(++sent, 0);
  });
  await untilDone(platform.brokers, options);
  const seconds = (performance.now() - startedAt) / 1_000;
  const found = await findings(platform, options.steps);
  return { verdict: judgeOrders(options.orderIds, found), records: [...found.records], seconds };
}

async function postOrder(url: string, orderId: string): Promise<void> {
  const body = JSON.stringify({ orderId, userId: `user-of-${orderId}`, status: 'NEW', timestamp: Date.now() });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (response.status !== 202) {
    throw new CliError('no-ingress', `the order was not accepted: ${url} answered ${response.status} ${await response.text()}`);
  }
}

async function inParallel<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: CONCURRENT_POSTS }, async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    }),
  );
}

/** Done = as many deliveries as orders, and every group at the end of its topics; gives up at the deadline and lets the judge speak. */
async function untilDone(brokers: string, { orderIds, steps, onProgress }: DemoOptions): Promise<void> {
  const admin = new KafkaAdmin(plainConnection(brokers), KAFKA_OPTIONS);
  await admin.connect();
  try {
    for (const deadline = Date.now() + DONE_DEADLINE_MS; Date.now() < deadline; await pause(POLL_MS)) {
      const handled = await handledBy(LAST_STEP, steps, admin);
      onProgress(orderIds.length, Math.min(orderIds.length, Math.floor(handled.records / 4)));
      if (handled.behind === 0 && handled.records >= 4 * orderIds.length && (await allDrained(steps, admin))) return;
    }
  } finally {
    await admin.close();
  }
}

async function allDrained(steps: readonly SagaStep[], admin: KafkaAdmin): Promise<boolean> {
  for (const {
    metadata: { name },
  } of steps) {
    if (name !== FIRST_STEP && (await handledBy(name, steps, admin)).behind > 0) return false;
  }
  return true;
}

/** How far a step's group is: offsets behind it (markers of transactions included) and before the ends. */
async function handledBy(name: string, steps: readonly SagaStep[], admin: KafkaAdmin): Promise<{ records: number; behind: number }> {
  const step = steps.find(({ metadata }) => metadata.name === name)!;
  const inputs = inputsOf(step);
  const committed = await admin.committedOffsets(groupOf(step), inputs);
  let [records, behind] = [0, 0];
  for (const topic of inputs) {
    for (const { partition, latest } of await admin.offsets(topic)) {
      const at = committed.find((each) => each.topic === topic && each.partition === partition)?.offset ?? 0n;
      records += Number(at);
      behind += Number(latest - at);
    }
  }
  return { records, behind };
}

function inputsOf({ spec }: SagaStep): string[] {
  return (spec.consumes ?? []).flatMap(({ topic }) =>
    topic === 'order_*' ? ORDER_TOPICS.filter((name) => name.startsWith('order_')) : [topic],
  );
}

async function findings({ brokers, tools }: Session['platform'], steps: readonly SagaStep[]) {
  const deadLetterTopics = steps.map(deadLetterTopicOf);
  const last = steps.find(({ metadata }) => metadata.name === LAST_STEP)!;
  const found = await readBack(tools, { brokers, topics: [...ORDER_TOPICS, ...deadLetterTopics], groups: [groupOf(last)] });
  return {
    records: found.records.map(({ topic, key, timestamp }) => ({ topic, key: key?.toString() ?? '', timestampMs: timestamp })),
    deadLetterTopics,
    ends: found.ends.map(({ topic, partition, highWatermark }) => ({ topic, partition, end: BigInt(highWatermark) })),
    committed: found.committed.map(({ topic, partition, offset }) => ({ topic, partition, offset: BigInt(offset) })),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

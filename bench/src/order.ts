/** One order of the example from HTTP to the end of its saga: an inbox and four hops, six workers. */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadSteps } from '@sagafleet/cli';
import { readTopics } from '@sagafleet/kafka';
import { findFreePort, type Session, startSession, untilReady } from '@sagafleet/local';
import type { Arena } from './arena.ts';
import { BenchError } from './errors.ts';
import { toTenths } from './hop.ts';
import type { LatencyRow } from './report.ts';
import { percentileOf } from './statistics.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/order', import.meta.url));
const LAST_TOPIC = 'order_delivered';
const WARM_UP_ORDERS = 20;
const PAUSE_MS = 50;
const DELIVERED_WITHIN_MS = 30_000;

/** Orders one after the other, from the request until a read-committed consumer has `order_delivered`. */
export async function measureOrder(arena: Arena, orders: number): Promise<LatencyRow> {
  const io = { stdout: process.stdout, stderr: process.stderr, env: arena.env, cwd: process.cwd(), isTerminal: false };
  const reporter = { progress: () => undefined, notice: () => undefined, logLine: () => undefined, crashed: () => undefined };
  const { brokers, registryUrl, dataDir } = arena.platform;
  const options = {
    kafka: brokers,
    registry: registryUrl,
    data: `${dataDir}/order`,
    ingressPort: await findFreePort(),
    replicas: new Map(),
  };
  const session = await startSession(await loadSteps([EXAMPLE], io), options, { env: io.env, reporter });
  try {
    await untilReady(session);
    const beganAt = performance.now();
    const latencies = await timeOrders(arena, session, WARM_UP_ORDERS + orders);
    const timed = latencies.slice(WARM_UP_ORDERS);
    return {
      subject: 'sagafleet',
      path: 'order',
      load: 'idle',
      p50Ms: toTenths(percentileOf(timed, 50)),
      p99Ms: toTenths(percentileOf(timed, 99)),
      count: timed.length,
      recordsPerSecond: Math.round(latencies.length / ((performance.now() - beganAt) / 1_000)),
    };
  } finally {
    await session.stop();
  }
}

async function timeOrders(arena: Arena, { fleet }: Session, orders: number): Promise<number[]> {
  const url = `http://127.0.0.1:${fleet.ingressPortOf('order')}/orders`;
  const waiting = new Map<string, () => void>();
  const stopping = new AbortController();
  const reading = readTopics({
    connection: arena.connection,
    topics: [LAST_TOPIC],
    until: 'follow',
    log: () => undefined,
    level: 'error',
    signal: stopping.signal,
    onRecord: ({ key }) => waiting.get(key!.toString())?.(),
  });
  reading.catch(() => undefined);
  const latencies: number[] = [];
  try {
    for (let at = 0; at < orders; at++) {
      latencies.push(await timeOrder(url, `order-${at}`, waiting));
      await sleep(PAUSE_MS);
    }
  } finally {
    stopping.abort();
    await reading;
  }
  return latencies;
}

async function timeOrder(url: string, orderId: string, waiting: Map<string, () => void>): Promise<number> {
  const delivered = Promise.withResolvers<number>();
  waiting.set(orderId, () => delivered.resolve(performance.now()));
  const sentAt = performance.now();
  const body = JSON.stringify({ orderId, userId: 'user', status: 'NEW', timestamp: Date.now() });
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (response.status !== 202) throw new BenchError('NotMeasured', `${url} answered ${response.status} ${await response.text()}`);
  const late = setTimeout(() => delivered.reject(new BenchError('NotMeasured', `${orderId} was not delivered`)), DELIVERED_WITHIN_MS);
  try {
    return (await delivered.promise) - sentAt;
  } finally {
    clearTimeout(late);
  }
}

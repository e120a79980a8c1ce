import { fileURLToPath } from 'node:url';
import { findFreePort, readBack, startSession, untilReady, type Session } from '@sagafleet/local';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isPerfect, ORDER_TOPICS } from '../src/demo/judge.ts';
import { runDemo } from '../src/demo/run-demo.ts';
import { loadSteps } from '../src/manifests/load-steps.ts';

const EXAMPLE = fileURLToPath(new URL('../../examples/order', import.meta.url));
const ORDERS = 200;

const io = quietIo();
const notices: string[] = [];
const steps = await loadSteps([EXAMPLE], io);
let session: Session;

beforeAll(async () => {
  const ports = { kafkaPort: await findFreePort(), registryPort: await findFreePort(), ingressPort: await findFreePort() };
  const reporter = {
    progress: () => undefined,
    logLine: () => undefined,
    notice: (_: string, text: string) => notices.push(text),
    crashed: (error: Error) => notices.push(error.message),
  };
  session = await startSession(steps, { ...ports, replicas: new Map() }, { env: io.env, reporter });
  await untilReady(session);
}, 120_000);
afterAll(() => session.stop());

function quietIo() {
  const sink = { write: () => true };
  return { stdout: sink, stderr: sink, env: process.env, cwd: process.cwd(), isTerminal: false };
}

/** SIGKILL to the worker of a step, as the kernel would when memory is short. */
function killWorkerOf({ fleet }: Session, step: string): void {
  const runner = fleet.runners.find(({ pod }) => pod.step === step);
  process.kill(runner!.pid!, 'SIGKILL');
}

test('200 orders are complete and nothing is doubled while a worker of each step is killed once', { timeout: 240_000 }, async () => {
  const killAt = new Map([
    [40, 'payment'],
    [70, 'inventory'],
    [100, 'shipping'],
    [130, 'delivery'],
    [160, 'notification'],
    [ORDERS, 'order'],
  ]);
  const orderIds = Array.from({ length: ORDERS }, (_, n) => `order-${n}`);
  const { verdict } = await runDemo(session, {
    orderIds,
    steps,
    onProgress: (sent) => {
      const step = killAt.get(sent);
      killAt.delete(sent);
      if (step) killWorkerOf(session, step);
    },
  });

  expect(killAt.size).toBe(0);
  expect(notices.filter((text) => text.includes('SIGKILL'))).toHaveLength(6);
  expect(verdict).toMatchObject({ orders: ORDERS, completed: ORDERS, duplicates: 0, missing: 0, deadLetters: 0, behind: 0 });
  expect(isPerfect(verdict)).toBe(true);
});

/** A consumer as simple as they come: skips the frame, knows three strings and a long, looks at no schema id. */
function plainOrder(value: Buffer): Record<string, string | bigint> {
  let at = 5;
  const long = () => {
    let zigzag = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = value[at++]!;
      zigzag |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return (zigzag >> 1n) ^ -(zigzag & 1n);
    }
  };
  const string = () => {
    const length = Number(long());
    at += length;
    return value.toString('utf8', at - length, at);
  };
  const order = { orderId: string(), userId: string(), status: string(), timestamp: long() };
  expect(at).toBe(value.length);
  return order;
}

test("Kafka's own client and plain Avro read the events, the registry answers at its root", async () => {
  const {
    platform: { tools, brokers, registryUrl },
  } = session;
  const subjects = (await (await fetch(`${registryUrl}/subjects`)).json()) as string[];
  expect(subjects).toEqual(expect.arrayContaining(['order_events-value', ...ORDER_TOPICS.map((topic) => `${topic}-value`)]));

  const { records, ends } = await readBack(tools, { brokers, topics: ORDER_TOPICS });
  for (const topic of ORDER_TOPICS)
    expect(
      ends
        .filter((end) => end.topic === topic)
        .map(({ partition }) => partition)
        .sort(),
    ).toEqual([0, 1, 2]);
  const shipped = records.filter(({ topic }) => topic === 'order_shipped');
  expect(shipped).toHaveLength(ORDERS);
  for (const { key, value } of shipped) {
    expect(plainOrder(value!)).toMatchObject({ orderId: key!.toString(), userId: `user-of-${key!.toString()}`, status: 'SHIPPED' });
  }
});

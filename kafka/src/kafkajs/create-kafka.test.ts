import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import type { Kafka } from 'kafkajs';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { createKafka } from './create-kafka.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A broker that takes connections and says nothing, not even hello. */
async function muteBroker(): Promise<{ address: string; connected: Promise<unknown> }> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, connected: once(server, 'connection') };
}

/** Whether a client that speaks TLS still waits for a mute broker after this long. */
async function isWaitingAfter(ms: number, create: (broker: string) => Kafka): Promise<boolean> {
  const { address, connected } = await muteBroker();
  const admin = create(address).admin();
  let hasFailed = false;
  const connecting = admin.connect().catch(() => {
    hasFailed = true;
  });
  await connected;
  await vi.advanceTimersByTimeAsync(ms);
  await new Promise(setImmediate);
  const isWaiting = !hasFailed;
  await vi.advanceTimersByTimeAsync(60_000);
  await connecting;
  return isWaiting;
}

test('a broker has ten seconds to take a connection', async () => {
  const create = (broker: string) =>
    createKafka({ brokers: [broker], tls: true, sasl: null, clientId: 'test' }, { log: () => {}, patienceMs: 0 });
  expect(await isWaitingAfter(9_900, create)).toBe(true);
  expect(await isWaitingAfter(10_100, create)).toBe(false);
});

test('kafkajs as published gives it one', async () => {
  const copy = privateCopy();
  onTestFinished(() => copy[Symbol.dispose]());
  const { Kafka, logLevel } = copy.kafkajs;
  expect(
    await isWaitingAfter(1_100, (broker) => new Kafka({ brokers: [broker], ssl: true, retry: { retries: 0 }, logLevel: logLevel.NOTHING })),
  ).toBe(false);
});

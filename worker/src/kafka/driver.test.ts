import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { pino } from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import type { MemberEvents } from '../driver.ts';
import { KafkajsDriver } from './driver.ts';

function driverOn(broker: string): KafkajsDriver {
  const driver = new KafkajsDriver({
    connection: { brokers: [broker], tls: false, sasl: null, clientId: 'test' },
    group: 'default.payment',
    topics: ['in'],
    outputs: ['out'],
    sessionTimeoutMs: 10_000,
    transactionTimeoutMs: 15_000,
    exactlyOnce: true,
    maxBatchBytes: 1_000_000,
    log: pino({ level: 'silent' }),
  });
  onTestFinished(() => driver.close());
  return driver;
}

/** Answers ApiVersions alone, and ends the connection of who asks for more, as brokers do. */
async function oldBroker(highest: Record<number, number>): Promise<string> {
  const API_VERSIONS = 18;
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (request) => {
      if (request.readInt16BE(4) !== API_VERSIONS) {
        socket.destroy();
        return;
      }
      const versions = Object.entries(highest).flatMap(([key, max]) => [Number(key), 0, max]);
      const body = Buffer.alloc(4 + 2 + 4 + versions.length * 2 + 4);
      request.copy(body, 0, 8, 12); // correlation id
      body.writeInt32BE(versions.length / 3, 6);
      versions.forEach((value, at) => body.writeInt16BE(value, 10 + at * 2));
      const size = Buffer.alloc(4);
      size.writeInt32BE(body.length);
      socket.write(Buffer.concat([size, body]));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.close();
  });
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

test('an old broker is refused with the requests that it lacks, not waited for', async () => {
  // Kafka 2.8
  const driver = driverOn(await oldBroker({ 1: 12, 2: 6, 3: 11, 9: 7, 18: 3, 22: 4, 28: 3, 61: 0 }));
  await expect(driver.partitionCounts(['in'])).rejects.toMatchObject({
    code: 'unsupported',
    consequence: 'fatal',
    message: expect.stringMatching(
      /Fetch \(version 13\), Metadata \(version 12\), ListOffsets \(version 7\), DescribeTransactions .*Kafka 3\.1 or newer/,
    ) as string,
  });
});

test('a broker that does not answer at the start makes the first offset read doubtful', async () => {
  const driver = driverOn('127.0.0.1:1'); // nobody listens there
  void driver.partitionCounts(['in']).catch(() => undefined);
  const member = driver.member({ knownPositions: () => [] } as unknown as MemberEvents);
  await expect.poll(() => member.coordinatorTroubleAgeMs()).toBeLessThan(10_000);
});

/** What a task writes at once to many partitions of one broker, against a broker that reads only small requests. */
import { BatchProducer, Connections, createKafka, KafkaAdmin, RecordBatchBuilder } from '@sagafleet/kafka';
import { expect, onTestFinished, test } from 'vitest';
import { startOwnBroker } from '../../test/support/own-broker.ts';
import { until } from '../../test/support/until.ts';

const PARTITIONS = 30;
const silent = { log: () => {} };

test('a send to many partitions of one broker is no request that the broker refuses to read', async () => {
  const { brokers, stop } = await startOwnBroker({ 'socket.request.max.bytes': '10000000' });
  onTestFinished(stop);
  const connection = { brokers: [brokers], tls: false, sasl: null, clientId: 'test' };
  const admin = new KafkaAdmin(connection, silent);
  await admin.connect();
  await admin.createTopics([{ name: 'wide', partitions: PARTITIONS, replicationFactor: 1, config: {} }]);
  // A leader is told of some milliseconds before it takes records
  await until('its partitions to have leaders', () => admin.offsets('wide').catch(() => null));
  const connections = new Connections(createKafka(connection, { ...silent, level: 'error' }));
  const producer = await BatchProducer.openIdempotent(connections);
  const value = Buffer.alloc(900_000);
  const appended = await producer.send(
    Array.from({ length: PARTITIONS }, (_, partition) => ({
      topic: 'wide',
      partition,
      records: RecordBatchBuilder.of([{ key: null, value, constantHeaders: [], headers: [] }]),
    })),
  );
  expect(new Set(appended.map(({ partition }) => partition)).size).toBe(PARTITIONS);
  await producer.close();
  await connections.close();
  await admin.close();
});

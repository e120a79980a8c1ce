import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { MemberEvents } from '../driver.ts';
import { KafkajsDriver } from './driver.ts';

test('a broker that does not answer at the start makes the first offset read doubtful', async () => {
  const driver = new KafkajsDriver({
    // Nobody listens on port 1
    connection: { brokers: ['127.0.0.1:1'], tls: false, sasl: null, clientId: 'test' },
    group: 'default.payment', topics: ['in'], outputs: ['out'], sessionTimeoutMs: 10_000, transactionTimeoutMs: 15_000, exactlyOnce: true, maxBatchBytes: 1_000_000,
    log: pino({ level: 'silent' }),
  });
  void driver.partitionCounts(['in']).catch(() => undefined);
  const member = driver.member({ knownPositions: () => [] } as unknown as MemberEvents);
  await expect.poll(() => member.coordinatorTroubleAgeMs()).toBeLessThan(10_000);
  await driver.close();
});

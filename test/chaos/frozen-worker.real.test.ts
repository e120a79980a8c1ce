import { setTimeout as delay } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { API, type HeldRequest, type KafkaRequest, offsetsErrorOf } from '../support/kafka-proxy.ts';
import { until } from '../support/until.ts';
import { gatherEvidence } from './evidence.ts';
import { describeFindings, judge } from './judge.ts';
import { startSmallWorld } from './small-world.ts';
import { INPUT_PARTITIONS } from './topics.ts';

/** Its session is over after 6 s; `SAGAFLEET_FROZEN_MS=60000` for a minute. */
const FROZEN_MS = Number(process.env['SAGAFLEET_FROZEN_MS'] ?? 0);
const FEED_MS = 8_000 + FROZEN_MS;
const RECORDS = 2_000;
/** INVALID_PRODUCER_EPOCH, PRODUCER_FENCED. */
const FENCED = [47, 90];

/** One task each stops at each of the three writes of a transaction. */
const FREEZE_POINTS: Record<number, number> = { 0: API.produce, 1: API.txnOffsetCommit, 2: API.endTxn };
const taskOf = ({ transactionalId }: KafkaRequest) => Number(transactionalId?.split('.').at(-1));

/** The first error code in an answer: all of them have one topic and partition, the end of a transaction has none. */
function errorCodeOf(request: HeldRequest): number {
  const { api, answer } = request;
  const bytes = answer!;
  if (api === API.endTxn) return bytes.readInt16BE(4);
  if (api === API.txnOffsetCommit) return offsetsErrorOf({ ...request, answer: bytes });
  return bytes.readInt16BE(6 + bytes.readInt16BE(4) + 4 + 4);
}

test('a worker frozen in the middle of transactions writes nothing after it wakes', { timeout: 120_000 + FROZEN_MS }, async () => {
  const { world, feed } = await startSmallWorld({ records: RECORDS, durationMs: FEED_MS });
  await world.workers.start(0);
  await world.workers.whenReady([0]);
  const hold = world.proxy.hold(
    (request) => request.clientId === world.workers.clientIdOf(0) && FREEZE_POINTS[taskOf(request)] === request.api,
  );
  const fed = feed.run(AbortSignal.timeout(FEED_MS * 3));
  await until('the worker to be in the middle of three transactions', () => hold.requests.length === 3);

  world.workers.get(0).signal('SIGSTOP');
  await world.workers.start(1);
  await until('another worker to own every task', async () => (await world.workers.get(1).tasks()).length === INPUT_PARTITIONS);
  await world.workers.whenReady([1]);
  await delay(FROZEN_MS);

  // Before it wakes: after a minute its first deed is to close connections that did not answer
  hold.release();
  await until('answers to what it had sent', () => hold.requests.every(({ answer }) => answer !== null));
  const refused = hold.requests.filter((request) => FENCED.includes(errorCodeOf(request)));
  expect(refused.map(taskOf).sort()).toEqual([0, 1, 2]);

  world.workers.get(0).signal('SIGCONT');
  await until('the woken worker to have tasks again', async () => {
    const shares = await Promise.all([0, 1].map((worker) => world.workers.get(worker).tasks()));
    return shares.every(({ length }) => length === INPUT_PARTITIONS / 2);
  });
  await fed;
  expect(await world.drained(30_000)).toBe(true);
  expect(describeFindings(judge(await gatherEvidence(world, feed.neverCommitted)))).toEqual([]);
});

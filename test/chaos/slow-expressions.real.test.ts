import { expect, test } from 'vitest';
import { gatherEvidence } from './evidence.ts';
import { describeFindings, judge } from './judge.ts';
import { startSmallWorld } from './small-world.ts';

/** Every record: a batch of 200 takes longer than the session, were it not bounded by time. */
const SLOW_SHARE = 1;
const RECORDS = 400;
const FEED_MS = 3_000;

test('records that take long cost no worker its session: each joins no more often than when it started', { timeout: 180_000 }, async () => {
  const ingredients = { guarantee: 'ExactlyOnce', hasSlowExpressions: true, hasIngress: false } as const;
  const { world, feed } = await startSmallWorld({ records: RECORDS, durationMs: FEED_MS, slowShare: SLOW_SHARE }, ingredients);
  await world.workers.start(0);
  await world.workers.whenReady([0]);
  const joins = () => world.workers.get(0).log.filter(({ msg }) => msg === 'joined the group').length;
  const joinsAtFirst = joins();
  await feed.run(AbortSignal.timeout(60_000));
  const isDrained = await world.drained(120_000);
  expect({ isDrained, joins: joins() }).toEqual({ isDrained: true, joins: joinsAtFirst });
  expect(describeFindings(judge(await gatherEvidence(world, feed.neverCommitted)))).toEqual([]);
});

/** Each broken rule is noticed, and the same scenario with no rule broken is clean: docs/mutations.md. */
import { expect, test } from 'vitest';
import { API } from '../../../test/support/kafka-proxy.ts';
import { until } from '../../../test/support/until.ts';
import { removeFromGroup } from '../support/remove-from-group.ts';
import { everyMutation, findingsOf, Scenario, some } from './scenario.ts';

test.each(everyMutation('no fencing on assignment'))('a commit arrives while the next owner takes over: %s', async (mutation) => {
  const scenario = await Scenario.of(mutation);
  const [toOld, toNew] = [await scenario.openProxy(), await scenario.openProxy()];
  await (await scenario.start({ through: toOld })).ready();
  await scenario.processFirst();
  const commits = toOld.hold(({ api }) => api === API.endTxn);
  await scenario.send(20);
  await until('a commit of each task to be on its way', () => commits.requests.length === scenario.partitions);
  const fencing = toNew.hold(({ api }) => api === API.initProducerId);
  await scenario.start({ through: toNew });
  await until('the next owner to fence', () => fencing.requests.length > 0);
  commits.release();
  await until('the commits to be answered', () => commits.requests.every(({ answer }) => answer !== null));
  fencing.release();
  // The group is at the end already: with more to do it is so only when the next owner has written what it took
  await scenario.send(5);
  expect(await scenario.findings()).toEqual(findingsOf(mutation, some('doubled')));
});

test.each(everyMutation('random transactional id per process'))(
  'a commit arrives after the next owner has worked: %s',
  async (mutation) => {
    const scenario = await Scenario.of(mutation);
    const toOld = await scenario.openProxy();
    await (await scenario.start({ through: toOld })).ready();
    await scenario.processFirst();
    const commits = toOld.hold(({ api }) => api === API.endTxn);
    await scenario.send(20);
    await until('a commit of each task to be on its way', () => commits.requests.length === scenario.partitions);
    await scenario.start();
    await until('the next owner to have worked', async () => (await scenario.committed()) > BigInt(scenario.partitions));
    commits.release();
    expect(await scenario.findings()).toEqual(findingsOf(mutation, some('doubled')));
  },
);

test.each(everyMutation('producer reused after an error'))('the answer to the offsets is lost: %s', async (mutation) => {
  const scenario = await Scenario.of(mutation, 1);
  await (await scenario.start({ fault: 'offsets-answer-lost' })).ready();
  await scenario.send(20);
  expect(await scenario.findings()).toEqual(findingsOf(mutation, some('doubled')));
});

test.each(everyMutation('aborted records not filtered'))('the input holds aborted transactions: %s', async (mutation) => {
  const scenario = await Scenario.of(mutation);
  await (await scenario.start()).ready();
  for (let round = 0; round < 3; round++) {
    await scenario.send(5);
    await scenario.sendAborted(5);
  }
  expect(await scenario.findings()).toEqual(findingsOf(mutation, some('uncommitted')));
});

test.each(everyMutation('offsets without generation'))('offsets are set while the group has no member: %s', async (mutation) => {
  const scenario = await Scenario.of(mutation, 1);
  const { step } = scenario;
  const proxy = await scenario.openProxy();
  const worker = await (await scenario.start({ through: proxy })).ready();
  await scenario.processFirst();
  const [offsets, joins] = [proxy.hold(({ api }) => api === API.txnOffsetCommit), proxy.hold(({ api }) => api === API.joinGroup)];
  await scenario.send(20);
  await until('a commit to be on its way', () => offsets.requests.length > 0);
  await removeFromGroup(step, worker.memberId);
  await step.admin.commitOffsets(step.names.group, [{ topic: step.names.input, partition: 0, offset: 21n }]);
  offsets.release();
  await until('the offsets to be answered', () => offsets.requests.every(({ answer }) => answer !== null));
  joins.release();
  await scenario.send(5);
  await step.drained();
  // What was to be skipped
  expect((await scenario.outputs()) > 6).toBe(mutation !== 'none');
});

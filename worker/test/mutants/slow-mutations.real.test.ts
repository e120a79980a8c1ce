/** Broken rules that show only after a session has timed out or a coordinator has settled: `npm run test:mutations`. */
import { expect, test } from 'vitest';
import { API } from '../../../test/support/kafka-proxy.ts';
import { until } from '../../../test/support/until.ts';
import { CLEAN, everyMutation, findingsOf, Scenario, shared, some } from './scenario.ts';

test.each(everyMutation('offsets outside the transaction'))(
  'a worker is killed when its outputs have just become visible: %s',
  async (mutation) => {
    const scenario = await Scenario.of(mutation, 1);
    const proxy = await scenario.openProxy();
    const worker = await (await scenario.start({ through: proxy })).ready();
    await scenario.processFirst();
    proxy.hold(({ api }) => api === API.offsetCommit);
    await scenario.send(20);
    await until('outputs to be visible', async () => (await scenario.outputs()) > 1);
    await worker.stop('SIGKILL');
    await scenario.start();
    expect(await scenario.findings()).toEqual(findingsOf(mutation, some('doubled')));
  },
);

test.each(everyMutation('commit before handlers end'))('a worker is killed while its commit is on its way: %s', async (mutation) => {
  const scenario = await Scenario.of(mutation, 1);
  const proxy = await scenario.openProxy();
  const worker = await (await scenario.start({ through: proxy })).ready();
  await scenario.processFirst();
  const commits = proxy.hold(({ api }) => api === API.endTxn);
  await scenario.send(20);
  await until('a commit to be on its way', () => commits.requests.length > 0);
  await worker.stop('SIGKILL');
  await scenario.start();
  expect(await scenario.findings()).toEqual(findingsOf(mutation, some('lost')));
});

test.each(everyMutation('no guard on the offset read'))(
  'a coordinator that was away answers with old offsets at first: %s',
  async (mutation) => {
    const scenario = await Scenario.of(mutation);
    const proxy = await scenario.openProxy();
    const first = await (await scenario.start()).ready();
    await scenario.send(20);
    await scenario.step.drained();
    await first.stop();
    await proxy.shut();
    const second = await scenario.start({ fault: 'stale-offsets', through: proxy });
    await second.logged('"waiting"');
    await proxy.open();
    await second.ready();
    await scenario.send(5);
    expect(await scenario.findings()).toEqual(findingsOf(mutation, some('doubled')));
  },
);

test.each(everyMutation('no guard on the offset read'))(
  'a new process comes to a coordinator that has just started: %s',
  async (mutation) => {
    const scenario = await Scenario.of(mutation);
    const first = await (await scenario.start()).ready();
    await scenario.send(20);
    await scenario.step.drained();
    await first.stop();
    await (await scenario.start({ fault: 'stale-offsets' })).ready();
    await scenario.send(5);
    expect(await scenario.findings()).toEqual(findingsOf(mutation, some('doubled')));
  },
);

test.each(everyMutation('fencing before membership is proven'))('a worker wakes in the middle of a commit: %s', async (mutation) => {
  const scenario = await Scenario.of(mutation);
  const proxy = await scenario.openProxy();
  const [frozen, owner] = [await scenario.start({ through: proxy }), await scenario.start()];
  await shared([frozen, owner], scenario.partitions);
  await scenario.processFirst();
  const commits = proxy.hold(({ api }) => api === API.endTxn);
  await scenario.send(20);
  await until('a commit to be on its way', () => commits.requests.length > 0);
  frozen.signal('SIGSTOP');
  await shared([owner], scenario.partitions);
  await scenario.step.drained();
  frozen.signal('SIGCONT');
  commits.release();
  const sharing = shared([frozen, owner], scenario.partitions);
  const isShared = sharing.then(() => true);
  while (!(await Promise.race([isShared, scenario.send(1).then(() => false)]))) continue;
  await sharing;
  expect(await scenario.findings()).toEqual(CLEAN);
  const thrownOut = owner.log.filter(({ msg }) => msg === 'task starts again').length;
  expect(thrownOut > 0).toBe(mutation !== 'none');
});

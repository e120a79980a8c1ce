/** How a worker's process ends, or does not, when something is wrong that it cannot mend. */
import { Connections, coordinatorOf, offsetCommitRequest } from '@sagafleet/kafka';
import { expect, inject, onTestFinished, test } from 'vitest';
import { API, KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { until } from '../../test/support/until.ts';
import type { WorkerProcess } from '../../test/support/worker-process.ts';
import { idsFrom, StepFixture } from './support/step-fixture.ts';

const preloaded = (name: string) => ({ NODE_OPTIONS: `--import=${new URL(`./preloads/${name}.ts`, import.meta.url).href}` });

const fatalOf = ({ log }: WorkerProcess) => log.filter(({ level }) => level === 'fatal').map(({ reason }) => reason);

const keysOf = async (step: StepFixture) => (await step.read(step.names.output)).map(({ key }) => String(key));

test('a worker does not start where a repair of kafkajs is not active, and names it', async () => {
  const step = await StepFixture.create();
  const worker = await step.startWorker(preloaded('undo-override'));
  expect(await worker.ended).toEqual({ code: 1, signal: null });
  expect(fatalOf(worker)).toEqual([expect.stringContaining('kafkajs runs without connect-once')]);
});

test('a consumer that ends for good ends the process', async () => {
  const step = await StepFixture.create();
  const worker = await step.startWorker(preloaded('refuse-fetches'));
  expect(await worker.ended).toEqual({ code: 1, signal: null });
  expect(fatalOf(worker)).toEqual([expect.stringContaining('the consumer ended')]);
});

/** kafkajs' own admin of the cluster of the run. */
async function adminOf(step: StepFixture) {
  const admin = step.kafka.admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  return admin;
}

test('records that were deleted before they were read are passed over, and told', async () => {
  const step = await StepFixture.create({ partitions: 1 });
  const first = await (await step.startWorker()).ready();
  await step.send(await step.events(idsFrom('read', 10)));
  await step.drained();
  await first.stop();
  await step.send(await step.events(idsFrom('deleted', 10)));
  const admin = await adminOf(step);
  // kafkajs looks for the leader in what it knows already
  await admin.fetchTopicOffsets(step.names.input);
  await admin.deleteTopicRecords({ topic: step.names.input, partitions: [{ partition: 0, offset: '20' }] });

  const second = await step.startWorker();
  await second.logged('records were deleted');
  expect(second.log.find(({ msg }) => msg.startsWith('records were deleted'))).toMatchObject({ from: '10', to: '20' });
  await step.drained();
  await step.send(await step.events(idsFrom('after', 10)));
  await step.drained();
  expect(await keysOf(step)).toEqual([...idsFrom('read', 10), ...idsFrom('after', 10)]);
});

test('an offset that was deleted is missing, also where the group goes on committing others', async () => {
  const step = await StepFixture.create({ partitions: 2 });
  const worker = await (await step.startWorker()).ready();
  await step.send((await step.events(idsFrom('read', 10))).map((event, at) => ({ ...event, partition: at % 2 })));
  await step.drained();
  await worker.stop('SIGKILL');
  const admin = await adminOf(step);
  await until('the group to be empty', () =>
    admin.deleteGroups([step.names.group]).then(
      () => true,
      () => false,
    ),
  );
  // As a worker does that was frozen meanwhile and still has records of the other partition
  const connections = new Connections(step.kafka);
  onTestFinished(() => connections.close());
  const { id } = await connections.leaders.look([step.names.input]).then(() => connections.leaders.expect(step.names.input));
  const coordinator = await coordinatorOf(connections, step.names.group);
  await connections.send(
    coordinator,
    offsetCommitRequest({
      groupId: step.names.group,
      memberId: '',
      groupGenerationId: -1,
      retentionTime: -1,
      topics: [{ topic: step.names.input, partitions: [{ partition: 1, offset: '5', metadata: `partitions=2 topic=${id}` }] }],
    }),
  );
  const next = await step.startWorker();
  expect(await next.ended).toEqual({ code: 1, signal: null });
  expect(fatalOf(next)).toEqual([expect.stringContaining('has no committed offsets, or not all any more')]);
});

test('what a worker commits says how many partitions had an offset', async () => {
  const step = await StepFixture.create({ partitions: 2 });
  const worker = await (await step.startWorker()).ready();
  await step.send(await step.events(idsFrom('read', 10)));
  await step.drained();
  await worker.stop('SIGKILL');
  const admin = await adminOf(step);
  const [committed] = await admin.fetchOffsets({ groupId: step.names.group, topics: [step.names.input] });
  expect(committed!.partitions.map(({ metadata }) => metadata)).toContainEqual(expect.stringMatching(/^partitions=2 topic=/));
});

test('a topic that was deleted and created again is read from its beginning, once, though its records lie where others were read', async () => {
  const step = await StepFixture.create({ partitions: 1 });
  const worker = await (await step.startWorker()).ready();
  await step.send(await step.events(idsFrom('before', 10)));
  await step.drained();
  const admin = await adminOf(step);
  await admin.deleteTopics({ topics: [step.names.input] });
  await until('the topic to be created again', () =>
    admin.createTopics({ topics: [{ topic: step.names.input, numPartitions: 1 }] }).catch(() => false),
  );
  // As many as before and more: an old position would lie among them
  await step.send(await step.events(idsFrom('after', 20)));
  await until('the new records to be out', async () => (await keysOf(step)).length >= 30);
  await worker.logged('created again');
  expect(await keysOf(step)).toEqual([...idsFrom('before', 10), ...idsFrom('after', 20)]);
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});

test('a second SIGTERM ends the process at once, and its open transaction is worked again', async () => {
  const proxy = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => proxy.shut());
  const step = await StepFixture.create({ partitions: 1, brokers: proxy.brokers });
  const worker = await (await step.startWorker()).ready();
  const commits = proxy.hold(({ api }) => api === API.endTxn);
  await step.send(await step.events(idsFrom('order', 20)));
  await until('a commit to be on its way', () => commits.requests.length > 0);
  worker.signal('SIGTERM');
  await worker.logged('"stopping"');
  expect(await worker.stop('SIGTERM')).toEqual({ code: 1, signal: null });
  commits.release();
  await step.startWorker();
  await step.drained();
  expect(await keysOf(step)).toEqual(idsFrom('order', 20));
});

test('a worker that is stopped while it joins leaves no member behind', async () => {
  const step = await StepFixture.create({ partitions: 2 });
  const owner = await (await step.startWorker()).ready();
  owner.signal('SIGSTOP');
  const joining = await step.startWorker();
  const admin = await adminOf(step);
  await until('the group to wait for its member', async () => {
    const {
      groups: [group],
    } = await admin.describeGroups([step.names.group]);
    return group!.state === 'PreparingRebalance';
  });
  joining.signal('SIGTERM');
  await joining.logged('"stopping"');
  owner.signal('SIGCONT');
  expect(await joining.ended).toEqual({ code: 0, signal: null });
  const {
    groups: [group],
  } = await admin.describeGroups([step.names.group]);
  expect(group!.members).toHaveLength(1);
  await until(
    'the owner to have both tasks again',
    async () => (await owner.tasks()).length === 2 && (await owner.probe('/readyz')),
    3_000,
  );
});

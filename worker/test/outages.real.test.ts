import { expect, inject, onTestFinished, test } from 'vitest';
import { KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { DELIVERY } from '../../test/support/settings.ts';
import { TcpProxy } from '../../test/support/tcp-proxy.ts';
import { until } from '../../test/support/until.ts';
import { EVENT_SCHEMA, idsFrom, StepFixture } from './support/step-fixture.ts';

const keysOf = async (step: StepFixture) => (await step.read(step.names.output)).map(({ key }) => String(key)).sort();

test('without the registry a worker waits, dead-letters nothing, and goes on when it is back', async () => {
  const registry = await TcpProxy.open(new URL(inject('registryUrl')).host);
  onTestFinished(() => registry.shut());
  const step = await StepFixture.create({ registryUrl: `http://${registry.address}` });
  await registry.shut();
  const worker = await (await step.startWorker()).ready();
  await step.send(await step.events(idsFrom('order', 30)));
  await worker.logged('"waiting"');
  expect(await worker.probe('/livez')).toBe(true);

  await registry.open();
  await step.drained();
  expect(await keysOf(step)).toEqual(idsFrom('order', 30).sort());
  expect(await step.read(step.names.deadLetter)).toEqual([]);

  // What is known needs no registry
  await registry.shut();
  await step.send(await step.events(idsFrom('more', 30)));
  await step.drained();
  expect(await step.read(step.names.output)).toHaveLength(60);
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});

test('a schema to write with that is not registered yet is waited for', async () => {
  const step = await StepFixture.create({ without: ['output-schema'] });
  await step.send(await step.events(idsFrom('order', 10)));
  const worker = await step.startWorker();
  await worker.logged('no schema to write');
  await step.registry.register(`${step.names.output}-value`, EVENT_SCHEMA);
  await step.drained();
  expect(await step.read(step.names.output)).toHaveLength(10);
  expect(await step.read(step.names.deadLetter)).toEqual([]);
});

test.each(['input', 'output'] as const)('a missing %s topic is waited for', async (role) => {
  const step = await StepFixture.create({ without: [role] });
  const worker = await step.startWorker();
  await worker.logged(step.names[role]);
  expect(await worker.probe('/livez')).toBe(true);
  expect(await worker.probe('/readyz')).toBe(false);
  await step.createTopic(role);
  if (role === 'input') await step.commitStart();
  await worker.ready();
  await step.send(await step.events(idsFrom('order', 10)));
  await step.drained();
  expect(await step.read(step.names.output)).toHaveLength(10);
});

test('a group without committed offsets ends the process and says how to set them', async () => {
  const step = await StepFixture.create({ without: ['offsets'] });
  await step.send(await step.events(idsFrom('order', 10)));
  const worker = await step.startWorker();
  expect(await worker.ended).toEqual({ code: 1, signal: null });
  const [fatal] = worker.log.filter(({ level }) => level === 'fatal');
  expect(fatal!['reason']).toMatch(new RegExp(`group ${step.names.group} has no committed offsets.*--reset-offsets`));
  expect(await step.read(step.names.output)).toEqual([]);
});

test('no broker at the start is waited for', async () => {
  const step = await StepFixture.create({
    settings: () => ({ kafka: { brokers: ['127.0.0.1:1'], tls: false, sasl: null, sessionTimeoutMs: 6_000 } }),
  });
  const worker = await step.startWorker();
  await worker.logged('"waiting"');
  expect(await worker.probe('/livez')).toBe(true);
  expect(await worker.probe('/startupz')).toBe(false);
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});

test('without a broker a worker waits, dead-letters nothing, and goes on when it is back', async () => {
  const kafka = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => kafka.shut());
  const step = await StepFixture.create({
    brokers: kafka.brokers,
    settings: () => ({ delivery: { ...DELIVERY, maxRecords: 20 } }),
  });
  const worker = await (await step.startWorker()).ready();
  await step.send(await step.events(idsFrom('before', 30)));
  await step.drained();
  for (const round of ['first', 'second']) {
    const linesBefore = worker.log.length;
    const sent = step.send(await step.events(idsFrom(round, 3_000)));
    await until('work to be under way', async () => (await keysOf(step)).some((key) => key.startsWith(round)));
    await kafka.shut();
    await until('the worker to notice', () => worker.log.slice(linesBefore).some(({ msg }) => msg === 'task starts again'));
    expect(await worker.probe('/livez')).toBe(true);
    await sent;
    await kafka.open();
    await step.drained();
  }
  expect(await keysOf(step)).toEqual(['before', 'first', 'second'].flatMap((each) => idsFrom(each, each === 'before' ? 30 : 3_000)).sort());
  expect(await step.read(step.names.deadLetter)).toEqual([]);
  expect(await worker.stop()).toEqual({ code: 0, signal: null });
});

import { randomBytes } from 'node:crypto';
import { expect, inject, onTestFinished, test } from 'vitest';
import { API, KafkaProxy } from '../../test/support/kafka-proxy.ts';
import { until } from '../../test/support/until.ts';
import type { Exit } from '../../test/support/worker-process.ts';
import { ingressSettings, post } from './support/orders-ingress.ts';
import { headersOf, StepFixture, type FixtureOptions, type StepNames } from './support/step-fixture.ts';

async function startIngress(options: FixtureOptions = {}) {
  const step = await StepFixture.create({ settings: ingressSettings, ...options });
  const worker = await (await step.startWorker()).ready();
  return { step, worker };
}

test('an event is accepted, keyed, and worked as an ordinary record; integers stay exact', async () => {
  const { step, worker } = await startIngress();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const { status, body } = await post(worker, '{"id":"a","amount":9007199254740993,"note":"x"}', { headers: { traceparent } });
  expect({ status, ...body }).toEqual({ status: 202, key: 'a', topic: step.names.input, partition: expect.any(Number), offset: '0' });
  await step.drained();
  const [output] = await step.read(step.names.output);
  expect(String(output!.key)).toBe('a');
  expect(await step.decode(output!)).toEqual({ id: 'a', amount: 9007199254740993n, note: 'x' });
  expect(headersOf(output!)).toMatchObject({ traceparent, 'saga-hops': '1' });
});

const REFUSALS: Record<string, { body?: string; path?: string; headers?: Record<string, string>; status: number; message: RegExp }> = {
  'not JSON': { body: '{"id":', status: 400, message: /not valid JSON/ },
  'a list': { body: '[]', status: 400, message: /must be a JSON object, not a list/ },
  'an empty body': { body: '', status: 400, message: /./ },
  'a missing field': { body: '{"id":"a"}', status: 400, message: /amount/ },
  'a wrong type': { body: '{"id":"a","amount":"7","note":""}', status: 400, message: /amount/ },
  'a fraction for a long': { body: '{"id":"a","amount":1.5,"note":""}', status: 400, message: /amount/ },
  'a number beyond a long': { body: '{"id":"a","amount":9223372036854775808,"note":""}', status: 400, message: /amount/ },
  'an unknown field': {
    body: '{"id":"a","ammount":7}',
    status: 400,
    message: /^unknown field "ammount", did you mean "amount"\?$/,
  },
  'another path': { path: '/order', status: 404, message: /POST to \/orders/ },
  'a body that is too large': {
    body: JSON.stringify({ id: 'a', amount: 1, note: 'x'.repeat(10_000) }),
    status: 413,
    message: /10000 bytes/,
  },
  'another content type': { headers: { 'content-type': 'text/plain' }, status: 415, message: /application\/json/ },
  'an event that the step rejects': { body: '{"id":"a","amount":-1,"note":""}', status: 422, message: /not negative/ },
};

test('what cannot be accepted gets an answer that says why, and nothing is appended', async () => {
  const { step, worker } = await startIngress();
  for (const [what, { body = '{}', status, message, ...options }] of Object.entries(REFUSALS)) {
    const answer = await post(worker, body, options);
    expect(answer.status, what).toBe(status);
    expect(answer.body['message'], what).toMatch(message);
  }
  expect(await step.read(step.names.input)).toEqual([]);
});

test('with unknownFields: Ignore an event is accepted without the fields that its schema does not have', async () => {
  const settings = (names: StepNames) => {
    const given = ingressSettings(names);
    return { ...given, ingress: { ...given.ingress!, unknownFields: 'Ignore' as const } };
  };
  const { step, worker } = await startIngress({ settings });
  expect(await post(worker, '{"id":"a","amount":1,"note":"x","coupon":"y"}')).toMatchObject({ status: 202 });
  await step.drained();
  const [output] = await step.read(step.names.output);
  expect(await step.decode(output!)).toEqual({ id: 'a', amount: 1n, note: 'x' });
});

test('an event that the inbox topic does not take even compressed is too large', async () => {
  const { worker } = await startIngress({ topicConfig: { input: { 'max.message.bytes': '2000' } } });
  const answers = await Promise.all([
    post(worker, JSON.stringify({ id: 'a', amount: 1, note: randomBytes(2_500).toString('hex') })),
    post(worker, JSON.stringify({ id: 'a', amount: 1, note: 'x'.repeat(5_000) })),
    ...['a', 'b', 'c'].map((id) => post(worker, JSON.stringify({ id, amount: 1, note: '' }))),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([413, 202, 202, 202, 202]);
});

test('many events at once are all appended, each where its answer says', async () => {
  const { step, worker } = await startIngress();
  const answers = await Promise.all(
    Array.from({ length: 1_000 }, (_, at) => post(worker, JSON.stringify({ id: `key-${at % 10}`, amount: at, note: '' }))),
  );
  const accepted = answers.map(({ body }) => `${String(body['partition'])}/${String(body['offset'])}`);
  expect(answers.every(({ status }) => status === 202)).toBe(true);
  expect(new Set(accepted).size).toBe(1_000);
  const appended = await step.read(step.names.input);
  expect(new Set(appended.map(({ partition, offset }) => `${partition}/${offset}`))).toEqual(new Set(accepted));
  await step.drained();
  expect(await step.read(step.names.output)).toHaveLength(1_000);
});

test('without Kafka the answer is 503 with Retry-After; when it is back events are accepted again', async () => {
  const kafka = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => kafka.shut());
  const { worker } = await startIngress({ brokers: kafka.brokers });
  const event = JSON.stringify({ id: 'a', amount: 1, note: '' });
  expect((await post(worker, event)).status).toBe(202);
  await kafka.shut();
  const { status, headers, body } = await post(worker, event);
  expect({ status, retryAfter: headers.get('retry-after'), error: body['error'] }).toEqual({
    status: 503,
    retryAfter: '2',
    error: 'unavailable',
  });
  await kafka.open();
  await until('an event to be accepted', async () => (await post(worker, event)).status === 202);
});

test('a worker that is stopped while it accepts an event answers it and ends, also where the client keeps its connection', async () => {
  const kafka = await KafkaProxy.open([inject('brokers')]);
  onTestFinished(() => kafka.shut());
  const { worker } = await startIngress({ brokers: kafka.brokers });
  const event = JSON.stringify({ id: 'a', amount: 1, note: '' });
  const append = kafka.hold(({ api }) => api === API.produce);
  const accepting = post(worker, event);
  await until('the event to be under way', () => append.requests.length > 0);
  worker.signal('SIGTERM');
  // Rejected before it is appended: another event that is accepted would wait behind the one that is held
  const rejected = JSON.stringify({ id: 'a', amount: -1, note: '' });
  await until('the ingress to be closing', () =>
    post(worker, rejected).then(
      ({ status }) => status === 503,
      () => true,
    ),
  );
  append.release();
  expect((await accepting).status).toBe(202);
  const ended: Exit[] = [];
  void worker.ended.then((exit) => ended.push(exit));
  await until('the worker to end', () => ended.length > 0, 15_000);
  expect(ended).toEqual([{ code: 0, signal: null }]);
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RegistryClient } from './client.ts';

const BASE = '/apis/ccompat/v7';

/** Answers by `METHOD path`; a path that is not listed is answered as a proxy would. */
type Answers = Record<string, { status?: number; body: unknown }>;
let answers: Answers;
let asked: string[];

const server = createServer((request, response) => {
  const call = `${request.method} ${request.url}`;
  asked.push(call);
  const answer = answers[call];
  response.writeHead(answer?.status ?? (answer ? 200 : 404), { 'content-type': 'application/vnd.schemaregistry.v1+json' });
  if (answer?.body === HALF) {
    response.write('{"schema":');
    return;
  }
  response.end(answer ? JSON.stringify(answer.body) : '<html>not here</html>');
});
const HALF = Symbol('half an answer, then nothing');

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
beforeEach(() => {
  answers = {};
  asked = [];
});
afterAll(() => server.closeAllConnections());

const baseUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`;
const clientOf = (options: { timeoutMs?: number; clock?: () => number } = {}) => new RegistryClient({ url: `${baseUrl()}/`, ...options });

const STRING = '"string"';

describe('what goes wrong says what to do next', () => {
  const refusals: Record<string, { answer: { status: number; body: unknown } | null; code: string; consequence: string }> = {
    'an id that the registry does not know': { answer: { status: 404, body: { error_code: 40403, message: 'Schema 9 not found' } }, code: 'schema-unknown', consequence: 'permanent' },
    'a 404 of something else on the way': { answer: null, code: 'unexpected-answer', consequence: 'systemic' },
    'a 404 in JSON of something else on the way': { answer: { status: 404, body: { message: 'no route' } }, code: 'unexpected-answer', consequence: 'systemic' },
    'an error of the registry': { answer: { status: 500, body: { error_code: 50001, message: 'store' } }, code: 'unreachable', consequence: 'systemic' },
    'too many requests': { answer: { status: 429, body: {} }, code: 'unreachable', consequence: 'systemic' },
    'a wrong password': { answer: { status: 401, body: { error_code: 401, message: 'no' } }, code: 'unauthorized', consequence: 'systemic' },
    'a page of a portal': { answer: { status: 200, body: 'hello' }, code: 'unexpected-answer', consequence: 'systemic' },
    'an answer that stops half way': { answer: { status: 200, body: HALF }, code: 'unreachable', consequence: 'systemic' },
    'a schema that is no Avro': { answer: { status: 200, body: { schemaType: 'PROTOBUF', schema: 'syntax' } }, code: 'invalid-schema', consequence: 'permanent' },
  };
  test.each(Object.entries(refusals))('%s', async (_name, { answer, code, consequence }) => {
    if (answer) answers[`GET ${BASE}/schemas/ids/9`] = answer;
    await expect(clientOf({ timeoutMs: 200 }).schemaById(9)).rejects.toMatchObject({ code, consequence });
  });

  test('nobody listens', async () => {
    await expect(new RegistryClient({ url: 'http://127.0.0.1:1' }).schemaById(9)).rejects.toMatchObject({ code: 'unreachable', consequence: 'systemic' });
  });
});

describe('the registry is asked as little as possible', () => {
  test('once for an id, also when many records with it come together', async () => {
    answers[`GET ${BASE}/schemas/ids/7`] = { body: { schema: STRING } };
    const client = clientOf();
    await Promise.all([client.schemaById(7), client.schemaById(7)]);
    await client.schemaById(7);
    expect(asked).toEqual([`GET ${BASE}/schemas/ids/7`]);
  });

  test('not again for an unknown id until some time has passed', async () => {
    answers[`GET ${BASE}/schemas/ids/7`] = { status: 404, body: { error_code: 40403, message: 'Schema 7 not found' } };
    let now = 0;
    const client = clientOf({ clock: () => now });
    await expect(client.schemaById(7)).rejects.toMatchObject({ code: 'schema-unknown' });
    await expect(client.schemaById(7)).rejects.toMatchObject({ code: 'schema-unknown' });
    expect(asked).toHaveLength(1);
    answers[`GET ${BASE}/schemas/ids/7`] = { body: { schema: STRING } };
    now = 60_000;
    expect(await client.schemaById(7)).toMatchObject({ id: 7, schema: STRING });
  });

  test('again at once after it was not reachable', async () => {
    answers[`GET ${BASE}/schemas/ids/7`] = { status: 503, body: {} };
    const client = clientOf();
    await expect(client.schemaById(7)).rejects.toMatchObject({ code: 'unreachable' });
    answers[`GET ${BASE}/schemas/ids/7`] = { body: { schema: STRING } };
    expect(await client.schemaById(7)).toMatchObject({ schema: STRING });
  });
});

test('a kept-alive connection that the registry has closed meanwhile is no failure', async () => {
  const client = clientOf();
  answers[`GET ${BASE}/subjects`] = { body: ['orders-value'] };
  await client.subjects();
  server.closeAllConnections();
  expect(await client.subjects()).toEqual(['orders-value']);
  server.closeAllConnections();
  await expect(client.schemaById(9)).rejects.toMatchObject({ code: 'unexpected-answer' });
});

test('references are fetched at the version that they name, once', async () => {
  const reference = { name: 'Customer', subject: 'customer-value', version: 2 };
  answers[`GET ${BASE}/schemas/ids/7`] = { body: { schema: '"Customer"', references: [reference] } };
  answers[`GET ${BASE}/subjects/customer-value/versions/2`] = { body: { subject: 'customer-value', version: 2, id: 6, schema: STRING } };
  const client = clientOf();
  expect(await client.schemaById(7)).toEqual({ id: 7, schema: '"Customer"', references: [reference], dependencies: [STRING] });
  await client.version('customer-value', 2);
  expect(asked).toEqual([`GET ${BASE}/schemas/ids/7`, `GET ${BASE}/subjects/customer-value/versions/2`]);
});

test('every call stays below the base path and encodes the subject', async () => {
  const subject = 'team/orders-value';
  const client = clientOf();
  await Promise.allSettled([
    client.latest(subject), client.version(subject, 1), client.lookup(subject, STRING), client.register(subject, STRING), client.compatibilityLevel(subject),
    client.setCompatibilityLevel(subject, 'FULL'), client.checkCompatibility(subject, STRING), client.compatibilityLevel(), client.subjects(),
  ]);
  const encoded = 'team%2Forders-value';
  expect(asked.toSorted()).toEqual([
    `GET ${BASE}/config`,
    `GET ${BASE}/config/${encoded}`,
    `GET ${BASE}/subjects`,
    `GET ${BASE}/subjects/${encoded}/versions/1`,
    `GET ${BASE}/subjects/${encoded}/versions/latest`,
    `POST ${BASE}/compatibility/subjects/${encoded}/versions/latest?verbose=true`,
    `POST ${BASE}/subjects/${encoded}`,
    `POST ${BASE}/subjects/${encoded}/versions`,
    `PUT ${BASE}/config/${encoded}`,
  ].toSorted());
});

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { RegistryClient } from './client.ts';
import { RegistryError } from './errors.ts';
import { resolveRefusals } from './transport.ts';

const BASE = '/apis/ccompat/v7';

/** Answers by `METHOD path`; a path that is not listed is answered as a proxy would. `text`: a body that is no JSON. */
type Answers = Record<string, { status?: number; body?: unknown; text?: string; headers?: Record<string, string> }>;
let answers: Answers;
let asked: string[];
/** Of the `authorization` header; null: none is demanded. */
let demanded: string | null = null;

const server = createServer((request, response) => {
  const call = `${request.method} ${request.url}`;
  asked.push(call);
  if (demanded !== null && request.headers.authorization !== demanded) {
    response.writeHead(401, { 'content-type': 'application/json' }).end(JSON.stringify({ error_code: 401, message: 'Unauthorized' }));
    return;
  }
  const answer = answers[call];
  response.writeHead(answer?.status ?? (answer ? 200 : 404), {
    'content-type': 'application/vnd.schemaregistry.v1+json',
    ...answer?.headers,
  });
  if (answer?.body === HALF || answer?.body === LOST) {
    response.write('{"schema":', () => {
      if (answer.body === LOST) response.destroy();
    });
    response.once('close', () => {
      ended = true;
    });
    return;
  }
  response.end(answer ? (answer.text ?? JSON.stringify(answer.body)) : '<html>not here</html>');
});
const HALF = Symbol('half an answer, then nothing');
const LOST = Symbol('half an answer, then no connection');
/** Whether the connection of such an answer is closed. */
let ended = false;

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
beforeEach(() => {
  answers = {};
  asked = [];
  ended = false;
});
afterAll(() => server.closeAllConnections());

const baseUrl = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`;

const STRING = '"string"';

/** Colon and characters beyond ASCII: both are allowed in a password (RFC 7617). */
const CREDENTIALS = { username: 'sagafleet', password: 'geh:eim€' };
const ACCESS: Record<string, { username?: string; password?: string }> = {
  'without authentication': {},
  'with basic authentication': CREDENTIALS,
};

describe.each(Object.entries(ACCESS))('%s', (_access, credentials) => {
  beforeEach(() => {
    demanded = credentials.username === undefined ? null : `Basic ${Buffer.from('sagafleet:geh:eim€').toString('base64')}`;
  });

  const clientOf = (options: { timeoutMs?: number; clock?: () => number } = {}) =>
    new RegistryClient({ url: `${baseUrl()}/`, ...credentials, ...options });

  describe('what goes wrong says what to do next', () => {
    const unexpected = { code: 'unexpected-answer', consequence: 'systemic' };
    const refusals: Record<string, { answer: Answers[string] | null; code: string; consequence: string }> = {
      'an id that the registry does not know': {
        answer: { status: 404, body: { error_code: 40403, message: 'Schema 9 not found' } },
        code: 'schema-unknown',
        consequence: 'permanent',
      },
      'a schema that is no Avro': {
        answer: { body: { schemaType: 'PROTOBUF', schema: 'syntax' } },
        code: 'invalid-schema',
        consequence: 'permanent',
      },
      'an error of the registry': {
        answer: { status: 500, body: { error_code: 50001, message: 'store' } },
        code: 'unreachable',
        consequence: 'systemic',
      },
      'too many requests': { answer: { status: 429, body: {} }, code: 'unreachable', consequence: 'systemic' },
      'a wrong password': {
        answer: { status: 401, body: { error_code: 401, message: 'no' } },
        code: 'unauthorized',
        consequence: 'systemic',
      },
      'an answer that stops half way': { answer: { body: HALF }, code: 'unreachable', consequence: 'systemic' },
      'a connection lost half way through an answer': { answer: { body: LOST }, code: 'unreachable', consequence: 'systemic' },
      'a 404 of something else on the way': { answer: null, ...unexpected },
      'a 404 in JSON of something else on the way': { answer: { status: 404, body: { message: 'no route' } }, ...unexpected },
      'a 404 in JSON with the code of a gateway': {
        answer: { status: 404, body: { error_code: 404, message: 'no route' } },
        ...unexpected,
      },
      'a 404 with the code as a string': { answer: { status: 404, body: { error_code: '40403' } }, ...unexpected },
      'a 404 that is null': { answer: { status: 404, body: null }, ...unexpected },
      'a 404 that is null, of plain text': {
        answer: { status: 404, text: 'null', headers: { 'content-type': 'text/plain' } },
        ...unexpected,
      },
      'an error of a gateway that is null': { answer: { status: 502, body: null }, code: 'unreachable', consequence: 'systemic' },
      'a 404 that is empty': { answer: { status: 404, text: '' }, ...unexpected },
      'a code that means something for another call': {
        answer: { status: 404, body: { error_code: 40401, message: 'Subject not found' } },
        ...unexpected,
      },
      'a code that does not go with its status': { answer: { status: 400, body: { error_code: 40403 } }, ...unexpected },
      'a conflict at a gateway': { answer: { status: 409, body: { error_code: 409 } }, ...unexpected },
      'a message that is no string': { answer: { status: 404, body: { error_code: 40402, message: {} } }, ...unexpected },
      'a proxy that wants to be logged in to': {
        answer: { status: 407, text: 'Proxy Authentication Required' },
        code: expect.stringMatching('unexpected-answer|unreachable') as string,
        consequence: 'systemic',
      },
      'a redirect to a login page': { answer: { status: 302, text: '', headers: { location: '/login' } }, ...unexpected },
      'a redirect without a place': { answer: { status: 301, text: '' }, ...unexpected },
      'a page of a portal': { answer: { body: 'hello' }, ...unexpected },
      'a page of a portal in HTML': { answer: { text: '<html>hello</html>', headers: { 'content-type': 'text/html' } }, ...unexpected },
      'an empty answer': { answer: { text: '' }, ...unexpected },
      'no content': { answer: { status: 204, text: '' }, ...unexpected },
      null: { answer: { body: null }, ...unexpected },
      'a list': { answer: { body: [] }, ...unexpected },
      'an object without a schema': { answer: { body: {} }, ...unexpected },
      'a refusal with status 200': { answer: { body: { error_code: 40403, message: 'Schema 9 not found' } }, ...unexpected },
      'a schema that is no string': { answer: { body: { schema: 5 } }, ...unexpected },
      'a schema that is no JSON': { answer: { body: { schema: 'https://example.com/schema' } }, ...unexpected },
      'a type of schema that is no string': { answer: { body: { schema: STRING, schemaType: 5 } }, ...unexpected },
      'references that are none': { answer: { body: { schema: STRING, references: 'none' } }, ...unexpected },
      'a reference without a version': { answer: { body: { schema: STRING, references: [{ name: 'A', subject: 'a' }] } }, ...unexpected },
    };
    test.each(Object.entries(refusals))('%s', async (_name, { answer, code, consequence }) => {
      if (answer) answers[`GET ${BASE}/schemas/ids/9`] = answer;
      const failure = clientOf({ timeoutMs: 300 }).schemaById(9);
      await expect(failure).rejects.toBeInstanceOf(RegistryError);
      await expect(failure).rejects.toMatchObject({ code, consequence });
    });

    /** For other calls than the one by id. */
    const others: Record<
      string,
      { call: (client: RegistryClient) => Promise<unknown>; at: string; answer: Answers[string]; code: string }
    > = {
      'a subject that is not there': {
        call: (client) => client.latest('s'),
        at: `GET ${BASE}/subjects/s/versions/latest`,
        answer: { status: 404, body: { error_code: 40401 } },
        code: 'subject-unknown',
      },
      'a version that is not there': {
        call: (client) => client.version('s', 2),
        at: `GET ${BASE}/subjects/s/versions/2`,
        answer: { status: 404, body: { error_code: 40402 } },
        code: 'subject-unknown',
      },
      'a version without an id': {
        call: (client) => client.version('s', 2),
        at: `GET ${BASE}/subjects/s/versions/2`,
        answer: { body: { schema: STRING, version: 2 } },
        code: 'unexpected-answer',
      },
      'a schema that the subject does not hold': {
        call: (client) => client.lookup('s', STRING),
        at: `POST ${BASE}/subjects/s`,
        answer: { status: 404, body: { error_code: 40403 } },
        code: 'schema-unknown',
      },
      'a look-up answered with something else': {
        call: (client) => client.lookup('s', STRING),
        at: `POST ${BASE}/subjects/s`,
        answer: { body: { id: '7' } },
        code: 'unexpected-answer',
      },
      'a wrong password with a body': {
        call: (client) => client.lookup('s', STRING),
        at: `POST ${BASE}/subjects/s`,
        answer: { status: 401, text: '', headers: { 'www-authenticate': 'Basic' } },
        code: 'unauthorized',
      },
      'a schema that does not fit the level': {
        call: (client) => client.register('s', STRING),
        at: `POST ${BASE}/subjects/s/versions`,
        answer: { status: 409, body: { error_code: 409 } },
        code: 'incompatible',
      },
      'a conflict that a gateway answers': {
        call: (client) => client.register('s', STRING),
        at: `POST ${BASE}/subjects/s/versions`,
        answer: { status: 409, text: 'conflict' },
        code: 'unexpected-answer',
      },
      'a list of subjects that is none': {
        call: (client) => client.subjects(),
        at: `GET ${BASE}/subjects`,
        answer: { body: [{}] },
        code: 'unexpected-answer',
      },
      'a level that is none': {
        call: (client) => client.compatibilityLevel('s'),
        at: `GET ${BASE}/config/s`,
        answer: { body: {} },
        code: 'unexpected-answer',
      },
      'a check without a verdict': {
        call: (client) => client.checkCompatibility('s', STRING),
        at: `POST ${BASE}/compatibility/subjects/s/versions/latest?verbose=true`,
        answer: { body: {} },
        code: 'unexpected-answer',
      },
    };
    test.each(Object.entries(others))('%s', async (_name, { call, at, answer, code }) => {
      answers[at] = answer;
      await expect(call(clientOf())).rejects.toMatchObject({ code });
      expect(asked).toEqual([at]);
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

  test('a call that is given up closes its connection', async () => {
    answers[`GET ${BASE}/schemas/ids/7`] = { body: HALF };
    await expect(clientOf({ timeoutMs: 100 }).schemaById(7)).rejects.toThrow(
      `registry ${baseUrl()} did not answer within 100 ms, asked for schema id 7`,
    );
    await expect.poll(() => ended).toBe(true);
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
      client.latest(subject),
      client.version(subject, 1),
      client.lookup(subject, STRING),
      client.register(subject, STRING),
      client.compatibilityLevel(subject),
      client.setCompatibilityLevel(subject, 'FULL'),
      client.checkCompatibility(subject, STRING),
      client.compatibilityLevel(),
      client.subjects(),
    ]);
    const encoded = 'team%2Forders-value';
    expect(asked.toSorted()).toEqual(
      [
        `GET ${BASE}/config`,
        `GET ${BASE}/config/${encoded}`,
        `GET ${BASE}/subjects`,
        `GET ${BASE}/subjects/${encoded}/versions/1`,
        `GET ${BASE}/subjects/${encoded}/versions/latest`,
        `POST ${BASE}/compatibility/subjects/${encoded}/versions/latest?verbose=true`,
        `POST ${BASE}/subjects/${encoded}`,
        `POST ${BASE}/subjects/${encoded}/versions`,
        `PUT ${BASE}/config/${encoded}`,
      ].toSorted(),
    );
  });
});

describe('access', () => {
  const urlWith = (credentials: string) => baseUrl().replace('http://', `http://${credentials}@`);

  test('a wrong password, or none where one is demanded', async () => {
    demanded = `Basic ${Buffer.from('u:right').toString('base64')}`;
    for (const credentials of [{}, { username: 'u' }, { username: 'u', password: 'wrong' }]) {
      await expect(new RegistryClient({ url: baseUrl(), ...credentials }).schemaById(9)).rejects.toMatchObject({
        code: 'unauthorized',
        consequence: 'systemic',
      });
    }
  });

  test('credentials in the URL are used, and messages do not show them', async () => {
    demanded = `Basic ${Buffer.from('u:p@ss').toString('base64')}`;
    answers[`GET ${BASE}/subjects`] = { body: [] };
    const client = new RegistryClient({ url: urlWith('u:p%40ss') });
    expect(await client.subjects()).toEqual([]);
    await expect(client.schemaById(9)).rejects.toThrow(`registry ${baseUrl()} answered 404 when asked for schema id 9`);
    expect(asked).toEqual([`GET ${BASE}/subjects`, `GET ${BASE}/schemas/ids/9`]);
  });

  const wrong: Record<string, string> = {
    'nobody listens': 'http://127.0.0.1:1',
    'no URL': 'registry',
    'a URL that is not valid': 'http://u:p/ss@127.0.0.1/',
    'another protocol': 'ftp://127.0.0.1/',
    'no such host': 'http://registry.invalid',
  };
  test.each(Object.entries(wrong))('%s', async (_name, url) => {
    const failure = new RegistryClient({ url }).schemaById(9);
    await expect(failure).rejects.toMatchObject({ code: 'unreachable', consequence: 'systemic' });
    await expect(failure).rejects.not.toThrow('p/ss');
  });
});

test('a library that is made in another way is refused before the first call', () => {
  for (const api of [{}, { _manifest: {} }, { _manifest: { middleware: 'none' } }]) {
    expect(() => resolveRefusals(api)).toThrow('not the version that the registry package is pinned to');
  }
});

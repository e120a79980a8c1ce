import { once } from 'node:events';
import { type IncomingMessage, type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { networkInterfaces } from 'node:os';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findFreePort } from '../processes/ports.ts';
import { RegistryGateway } from './gateway.ts';

let registry: Server;
let target: string | undefined;
let gateway: RegistryGateway;
let root: string;

beforeEach(async () => {
  registry = createServer(async (request: IncomingMessage, response) => {
    const body = await text(request);
    response.writeHead(422, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ method: request.method, url: request.url, body, type: request.headers['content-type'] }));
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
  target = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`;
  gateway = new RegistryGateway(() => target);
  const port = await findFreePort();
  await gateway.listen(port);
  root = `http://127.0.0.1:${port}`;
});

afterEach(async () => {
  await gateway.close();
  registry.closeAllConnections();
  registry.close();
});

const paths: Record<string, [asked: string, reached: string]> = {
  'the root shows the Confluent-compatible interface': ['/subjects', '/apis/ccompat/v7/subjects'],
  'a query passes': ['/subjects?deleted=true&subjectPrefix=a%26b', '/apis/ccompat/v7/subjects?deleted=true&subjectPrefix=a%26b'],
  'an encoded slash stays encoded': ['/subjects/team%2Forders-value', '/apis/ccompat/v7/subjects/team%2Forders-value'],
  'other encoded characters stay as they are': ['/subjects/a%20b%25c%C3%A4+d', '/apis/ccompat/v7/subjects/a%20b%25c%C3%A4+d'],
  "Apicurio's own paths pass": ['/apis/registry/v3/groups/a%2Fb?limit=1', '/apis/registry/v3/groups/a%2Fb?limit=1'],
};

for (const [sentence, [asked, reached]] of Object.entries(paths)) {
  test(sentence, async () => {
    expect(await (await fetch(root + asked)).json()).toMatchObject({ url: reached });
  });
}

test('method, body, headers and status pass', async () => {
  const headers = { 'content-type': 'application/vnd.schemaregistry.v1+json' };
  const response = await fetch(`${root}/config`, { method: 'PUT', headers, body: '{"compatibility":"FULL"}' });
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ method: 'PUT', body: '{"compatibility":"FULL"}', type: headers['content-type'] });
});

test('every address of localhost answers', async () => {
  const { port } = new URL(root);
  expect((await fetch(`http://localhost:${port}/subjects`)).status).toBe(422);
  if (
    Object.values(networkInterfaces())
      .flat()
      .some((address) => address?.address === '::1')
  ) {
    expect((await fetch(`http://[::1]:${port}/subjects`)).status).toBe(422);
  }
});

test('without a registry it answers 503 in the form of a registry', async () => {
  target = undefined;
  const response = await fetch(`${root}/subjects`);
  expect(response.status).toBe(503);
  expect(response.headers.get('content-type')).toBe('application/vnd.schemaregistry.v1+json');
  expect(await response.json()).toEqual({ error_code: 50301, message: 'the schema registry is not running' });
});

test('a registry that does not answer is a 503 too', async () => {
  registry.closeAllConnections();
  registry.close();
  await once(registry, 'close');
  const response = await fetch(`${root}/subjects`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({ error_code: 50301, message: expect.stringContaining('does not answer') });
});

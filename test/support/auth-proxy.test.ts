import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { AuthProxy } from './auth-proxy.ts';

const CREDENTIALS = { username: 'chaos', password: 'with: a colon, and ü' };

/** Answers with what it was asked for. */
async function startMirror(): Promise<string> {
  const mirror = createServer((request: IncomingMessage, answer) => {
    void text(request).then((body) => answer.end(`${request.method} ${request.url} ${body} ${request.headers.authorization ?? 'unknown'}`));
  }).listen(0, '127.0.0.1');
  await once(mirror, 'listening');
  onTestFinished(() => {
    mirror.close();
  });
  return `http://127.0.0.1:${(mirror.address() as AddressInfo).port}`;
}

async function openProxy(): Promise<AuthProxy> {
  const proxy = await AuthProxy.open(await startMirror(), CREDENTIALS);
  onTestFinished(() => proxy.close());
  return proxy;
}

const authorizationOf = (username: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
});

test('passes a request on, without the credentials', async () => {
  const proxy = await openProxy();
  const headers = authorizationOf(CREDENTIALS.username, CREDENTIALS.password);
  const answer = await fetch(`${proxy.url}/subjects?deleted=true`, { method: 'POST', body: '{}', headers });
  expect(await answer.text()).toBe('POST /subjects?deleted=true {} unknown');
});

test('rejects those who give none, or wrong ones', async () => {
  const proxy = await openProxy();
  const answers = await Promise.all([{}, authorizationOf(CREDENTIALS.username, 'guess')].map((headers) => fetch(proxy.url, { headers })));
  expect(answers.map(({ status }) => status)).toEqual([401, 401]);
});

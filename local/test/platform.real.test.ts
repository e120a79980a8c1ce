import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { KafkaAdmin, createKafka } from '@sagafleet/kafka';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest';
import { type Platform, startPlatform } from '../src/platform/platform.ts';
import { findFreePort } from '../src/processes/ports.ts';
import { isAlive } from './is-alive.ts';

/** Kafka's number for settings of a broker. */
const BROKER_RESOURCE = 4;

const quiet = { env: process.env, onProgress: () => {}, onCrash: () => {} };

async function withAdmin<T>(brokers: string, use: (admin: KafkaAdmin) => Promise<T>): Promise<T> {
  const admin = new KafkaAdmin({ brokers: [brokers], tls: false, sasl: null, clientId: 'test' }, { log: () => {} });
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.close();
  }
}

function registerSchema(registryUrl: string, subject: string): Promise<Response> {
  return fetch(`${registryUrl}/subjects/${encodeURIComponent(subject)}/versions`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.schemaregistry.v1+json' },
    body: JSON.stringify({ schema: '"string"' }),
  });
}

async function getJson(url: string): Promise<unknown> {
  return (await fetch(url)).json();
}

/** "S" and the like, as `ps` has it: "T" is stopped. */
function stateOf(pid = -1): string {
  return execFileSync('ps', ['-o', 'stat=', '-p', `${pid}`], { encoding: 'utf8' });
}

function makeFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sagafleet-kept-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  return folder;
}

interface Owned {
  brokers: string;
  registryUrl: string;
  dataDir: string;
  pids: number[];
}

/** A platform that belongs to another process. */
async function startOwner(...args: string[]): Promise<{ owner: ChildProcess; owned: Owned }> {
  const script = fileURLToPath(new URL('./fixtures/own-platform.ts', import.meta.url));
  const owner = spawn(process.execPath, ['-C', 'source', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void owner.kill('SIGKILL'));
  const [line] = (await once(createInterface({ input: owner.stdout! }), 'line')) as [string];
  return { owner, owned: JSON.parse(line) as Owned };
}

describe('a platform of its own', () => {
  let platform: Platform;
  const crashes: string[] = [];

  beforeAll(async () => {
    platform = await startPlatform({
      ...quiet,
      kafkaPort: await findFreePort(),
      registryPort: await findFreePort(),
      brokerProperties: { 'num.partitions': '5' },
      onCrash: (error) => crashes.push(error.message),
    });
  });

  afterAll(async () => {
    await platform.stop();
  });

  test('shows the interface of a Confluent registry at the root, with its defaults', async () => {
    expect(await getJson(`${platform.registryUrl}/config`)).toEqual({ compatibilityLevel: 'BACKWARD' });
    expect(await getJson(`${platform.registryUrl}/mode`)).toEqual({ mode: 'READWRITE' });
    const response = await registerSchema(platform.registryUrl, 'team/orders-value');
    expect(await response.json()).toEqual({ id: expect.any(Number) });
    expect(await getJson(`${platform.registryUrl}/subjects`)).toContain('team/orders-value');
    expect(await getJson(`${platform.registryUrl}/subjects/team%2Forders-value/versions`)).toEqual([1]);
    expect((await fetch(`${platform.registryUrl}/apis/registry/v3/system/info`)).status).toBe(200);
  });

  test('keeps schemas while its registry is down, and answers 503 meanwhile', async () => {
    await registerSchema(platform.registryUrl, 'kept-value');
    await platform.registry?.kill();
    const response = await fetch(`${platform.registryUrl}/subjects`);
    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ error_code: 50301, message: 'the schema registry is not running' });
    await platform.registry?.start();
    expect(await getJson(`${platform.registryUrl}/subjects`)).toContain('kept-value');
  });

  test('gives settings to the broker, which makes no topics by itself', async () => {
    const kafka = createKafka({ brokers: [platform.brokers], tls: false, sasl: null, clientId: 'test' }, { log: () => {} });
    const admin = kafka.admin();
    await admin.connect();
    const names = ['num.partitions', 'auto.create.topics.enable'];
    const { resources } = await admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: BROKER_RESOURCE, name: '1', configNames: names }],
    });
    await admin.disconnect();
    const settings = resources[0]?.configEntries.map((entry) => [entry.configName, entry.configValue]);
    expect(Object.fromEntries(settings ?? [])).toEqual({ 'num.partitions': '5', 'auto.create.topics.enable': 'false' });
  });

  test('keeps topics while its broker is killed', async () => {
    const broker = platform.kafka?.brokers[0];
    const topic = { name: 'kept', partitions: 2, replicationFactor: 1, config: {} };
    await withAdmin(platform.brokers, (admin) => admin.createTopics([topic]));
    await broker?.kill();
    expect(broker?.pid).toBeUndefined();
    await broker?.start();
    expect(await withAdmin(platform.brokers, (admin) => admin.describeTopics(['kept']))).toMatchObject([{ name: 'kept' }]);
  });

  test('can freeze its broker', async () => {
    const broker = platform.kafka?.brokers[0];
    broker?.pause();
    await vi.waitFor(() => expect(stateOf(broker?.pid)).toMatch(/^T/));
    broker?.resume();
    await vi.waitFor(() => expect(stateOf(broker?.pid)).not.toMatch(/^T/));
  });

  test('refuses to start where it runs, with the way around', async () => {
    const kafkaPort = Number(platform.brokers.split(':')[1]);
    const registryPort = Number(new URL(platform.registryUrl).port);
    await expect(startPlatform({ ...quiet, kafkaPort })).rejects.toMatchObject({
      code: 'port-busy',
      message: expect.stringMatching(new RegExp(`^port ${kafkaPort} is in use by java.* --kafka-port.* --kafka HOST:PORT$`)),
    });
    const otherKafka = { ...quiet, kafkaPort: await findFreePort() };
    await expect(startPlatform({ ...otherKafka, registryPort })).rejects.toMatchObject({
      code: 'port-busy',
      message: expect.stringMatching(new RegExp(`^port ${registryPort} is in use by .* --registry-port.* --registry URL$`)),
    });
    const sameData = { ...otherKafka, registryPort: await findFreePort(), dataDir: platform.dataDir };
    await expect(startPlatform(sameData)).rejects.toMatchObject({ code: 'data-in-use' });
  });

  test('tells of a server that ends by itself', async () => {
    const pid = platform.registry?.pid ?? -1;
    process.kill(pid, 'SIGKILL');
    await vi.waitFor(() => expect(crashes).toHaveLength(1));
    expect(crashes[0]).toMatch(/^registry was ended by SIGKILL; its output is in .+registry\.log$/);
    expect((await fetch(`${platform.registryUrl}/subjects`)).status).toBe(503);
    await platform.registry?.start();
  });
});

describe('an owner that ends', () => {
  test('by SIGTERM leaves no process and no folder', async () => {
    const { owner, owned } = await startOwner();
    expect(owned.pids.map(isAlive)).toEqual([true, true]);
    owner.kill('SIGTERM');
    expect(await once(owner, 'exit')).toEqual([0, null]);
    expect(owned.pids.map(isAlive)).toEqual([false, false]);
    expect(existsSync(owned.dataDir)).toBe(false);
  });

  test('by SIGKILL leaves no process, also of a frozen broker; the next one can go on with its data and ports', async () => {
    const folder = makeFolder();
    const first = await startOwner(folder);
    const ports = [first.owned.brokers.split(':')[1]!, new URL(first.owned.registryUrl).port];
    const topic = { name: 'orders', partitions: 1, replicationFactor: 1, config: {} };
    await withAdmin(first.owned.brokers, (admin) => admin.createTopics([topic]));
    await registerSchema(first.owned.registryUrl, 'orders-value');
    process.kill(first.owned.pids[0]!, 'SIGSTOP');
    first.owner.kill('SIGKILL');

    const next = await startOwner(folder, ...ports);
    expect(first.owned.pids.map(isAlive)).toEqual([false, false]);
    expect(await withAdmin(next.owned.brokers, (admin) => admin.describeTopics())).toMatchObject([{ name: 'orders' }]);
    expect(await getJson(`${next.owned.registryUrl}/subjects`)).toEqual(['orders-value']);
    next.owner.kill('SIGTERM');
    await once(next.owner, 'exit');
  });
});

describe('a platform that exists', () => {
  const existing = () => ({ ...quiet, brokers: inject('brokers'), registryUrl: `${inject('registryUrl')}/` });

  test('is used as it is and outlives its users', async () => {
    const platform = await startPlatform(existing());
    const addresses = { brokers: inject('brokers'), registryUrl: inject('registryUrl') };
    expect(platform).toMatchObject({ ...addresses, kafka: undefined, registry: undefined });
    await platform.stop();
    expect((await fetch(`${inject('registryUrl')}/subjects`)).status).toBe(200);
  });

  test('has to answer', async () => {
    const port = await findFreePort();
    await expect(startPlatform({ ...existing(), brokers: `localhost:${port}` })).rejects.toMatchObject({
      code: 'no-broker',
      message: expect.stringMatching(`^no Kafka broker answers at localhost:${port} \\(--kafka\\): `),
    });
    await expect(startPlatform({ ...existing(), registryUrl: `http://localhost:${port}` })).rejects.toMatchObject({
      code: 'no-registry',
      message: expect.stringContaining(`answers at http://localhost:${port} (--registry): `),
    });
  });

  test('need not list its subjects', async () => {
    const server = createServer((_request, response) => {
      response.writeHead(403).end();
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      server.close();
    });
    await once(server, 'listening');
    const registryUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/base/`;
    const platform = await startPlatform({ ...existing(), registryUrl });
    expect(platform.registryUrl).toBe(registryUrl.slice(0, -1));
    await platform.stop();
  });
});

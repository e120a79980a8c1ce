import { once } from 'node:events';
import { type Server, createServer } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { findFreePort, requireFreePort } from './ports.ts';

let server: Server;
let port: number;

beforeEach(async () => {
  server = createServer();
  port = await findFreePort();
});

afterEach(() => {
  server.close();
});

for (const host of ['127.0.0.1', '0.0.0.0', 'localhost']) {
  test(`a listener on ${host} makes a port busy`, async () => {
    await once(server.listen(port, host), 'listening');
    await expect(requireFreePort(port, 'Kafka', 'choose another one with --kafka-port')).rejects.toMatchObject({
      code: 'port-busy',
      message: expect.stringMatching(new RegExp(`^port ${port} is in use by .+, and Kafka needs it; choose .* --kafka-port$`)),
    });
  });
}

test('a port that is let go of soon is free', async () => {
  await once(server.listen(port, '127.0.0.1'), 'listening');
  const free = requireFreePort(port, 'Kafka', '');
  server.close();
  await expect(free).resolves.toBeUndefined();
});

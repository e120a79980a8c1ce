import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { findFreePort } from '@sagafleet/local';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));

test('the demo prints its figures as JSON and nothing else, and ends with 0', { timeout: 180_000 }, async () => {
  const ports = ['--kafka-port', await findFreePort(), '--registry-port', await findFreePort(), '--ingress-port', await findFreePort()];
  const args = ['-C', 'source', MAIN, 'demo', '--orders', '5', '--output', 'json', ...ports.map(String)];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout)).toEqual({
    orders: 5,
    completed: 5,
    duplicates: 0,
    missing: 0,
    seconds: expect.any(Number) as number,
    topics: { order_created: 5, order_paid: 5, inventory_reserved: 5, order_shipped: 5, order_delivered: 5 },
  });
});

import { EventEmitter } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../../test/private-copy.ts';
import { connectsOnce } from './connect-once.ts';
import type { Override } from './override.ts';

class FakeSocket extends EventEmitter {
  end() {}
  unref() {}
}
interface Connection {
  connect(): Promise<unknown>;
  disconnect(): Promise<unknown>;
  isConnected(): boolean;
}
type ConnectionClass = new (options: object) => Connection;

const SILENT = { namespace: () => SILENT, debug: () => {}, error: () => {} };

/** A connection, and how to end each attempt to open a socket for it. */
function open(...overrides: Override[]) {
  const copy = privateCopy(...overrides);
  onTestFinished(() => copy[Symbol.dispose]());
  const sockets: { socket: FakeSocket; connected: () => void }[] = [];
  const Connection = copy.internals.load('network/connection') as ConnectionClass;
  const connection = new Connection({
    host: 'broker',
    port: 1,
    logger: SILENT,
    connectionTimeout: 10_000,
    requestTimeout: 1_000,
    socketFactory: ({ onConnect }: { onConnect: () => void }) => {
      const socket = new FakeSocket();
      sockets.push({ socket, connected: onConnect });
      return socket;
    },
  });
  onTestFinished(() => connection.disconnect().then(() => undefined));
  return { connection, sockets };
}

test('kafkajs as published opens a socket for each of two requests, and the end of one ends the other', async () => {
  const { connection, sockets } = open();
  const both = Promise.all([connection.connect(), connection.connect()]);
  expect(sockets).toHaveLength(2);
  for (const { connected } of sockets) connected();
  await both;
  sockets[0]!.socket.emit('end');
  await expect.poll(() => connection.isConnected()).toBe(false);
});

test('requests that come to a closed connection at once share a socket, also after it was closed for idling', async () => {
  const { connection, sockets } = open(connectsOnce);
  for (let time = 1; time <= 3; time++) {
    const both = Promise.all([connection.connect(), connection.connect()]);
    expect(sockets).toHaveLength(time);
    sockets.at(-1)!.connected();
    await both;
    sockets.at(-1)!.socket.emit('end');
    await expect.poll(() => connection.isConnected()).toBe(false);
  }
});

test('an attempt that failed is followed by another', async () => {
  const { connection, sockets } = open(connectsOnce);
  const both = [connection.connect(), connection.connect()];
  sockets[0]!.socket.emit('error', new Error('refused'));
  for (const attempt of both) await expect(attempt).rejects.toThrow('refused');
  const again = connection.connect();
  sockets[1]!.connected();
  await again;
  expect(connection.isConnected()).toBe(true);
});

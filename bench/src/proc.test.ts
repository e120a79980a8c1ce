import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { connectionsOf, cpuSecondsOf, parseCpuSeconds, parseRssMiB, rssMiBOf } from './proc.ts';

test('CPU time is user and system time, whatever the program is called', () => {
  const rest = 'S 1 2 3 0 -1 4194304 9 8 7 6 250 50 11 12 20 0 7 0 123 456 789';
  expect(parseCpuSeconds(`42 (node) ${rest}`)).toBe(3);
  expect(parseCpuSeconds(`42 (my (odd) name) ${rest}`)).toBe(3);
});

test('resident memory is in MiB', () => {
  expect(parseRssMiB('Name:\tnode\nVmPeak:\t  999 kB\nVmRSS:\t  2048 kB\nThreads:\t7\n')).toBe(2);
});

test('a process that has ended has no memory', () => {
  expect(() => parseRssMiB('Name:\tnode\nState:\tZ (zombie)\n')).toThrow(/has ended/);
});

test('this process has both', () => {
  expect(cpuSecondsOf(process.pid)).toBeGreaterThan(0);
  expect(rssMiBOf(process.pid)).toBeGreaterThan(10);
});

test('a process that is not there is named', () => {
  expect(() => cpuSecondsOf(999_999_999)).toThrow(/999999999/);
});

test('connections to one port are counted, and none that others have', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => {
    server.close();
  });
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  expect(connectionsOf(process.pid, port)).toBe(0);
  const sockets = [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')];
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect')));
  expect(connectionsOf(process.pid, port)).toBe(2);
});

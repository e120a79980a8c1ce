import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { privateCopy } from '../../../test/private-copy.ts';
import type { Override } from './override.ts';
import { requestTimers } from './request-timers.ts';

interface Queue {
  inflight: Map<number, unknown>;
  push(request: object): void;
  fulfillRequest(response: object): void;
  maybeThrottle(ms: number): void;
  scheduleRequestTimeoutCheck(): void;
  destroy(): void;
}

const REQUEST_TIMEOUT_MS = 1_000;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function connectedQueue(...overrides: Override[]): Queue {
  const copy = privateCopy(...overrides);
  const Queue = copy.internals.load('network/requestQueue') as new (options: object) => Queue;
  const logger = { debug: () => {}, warn: () => {} };
  const queue = new Queue({ requestTimeout: REQUEST_TIMEOUT_MS, enforceRequestTimeout: true, maxInFlightRequests: 1, logger });
  onTestFinished(() => {
    queue.destroy();
    copy[Symbol.dispose]();
  });
  queue.scheduleRequestTimeoutCheck();
  return queue;
}

function ask(queue: Queue, correlationId: number) {
  const sendRequest = vi.fn();
  const answer = new Promise((resolve, reject) => {
    queue.push({ expectResponse: true, sendRequest, entry: { correlationId, apiName: 'Test', resolve, reject } });
  });
  return { answer, sendRequest };
}

test('kafkajs as published keeps timers on a connection that nobody uses', () => {
  const queue = connectedQueue();
  ask(queue, 1);
  queue.fulfillRequest({ correlationId: 1 });
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(2);
});

test('a connection has one timer for all of its requests, and soon none when nobody uses it', () => {
  const queue = connectedQueue(requestTimers);
  expect(vi.getTimerCount()).toBe(0);
  for (const id of [1, 2, 3]) {
    ask(queue, id);
    queue.fulfillRequest({ correlationId: id });
    vi.advanceTimersByTime(100);
  }
  expect(vi.getTimerCount()).toBe(1);
  vi.advanceTimersByTime(REQUEST_TIMEOUT_MS);
  expect(vi.getTimerCount()).toBe(0);
});

test('a request times out in its own time, whatever was answered before it', async () => {
  const queue = connectedQueue(requestTimers);
  ask(queue, 1);
  vi.advanceTimersByTime(REQUEST_TIMEOUT_MS / 2);
  queue.fulfillRequest({ correlationId: 1 });
  const { answer } = ask(queue, 2);
  const failure = expect(answer).rejects.toThrow(/timed out/);
  vi.advanceTimersByTime(REQUEST_TIMEOUT_MS - 100);
  expect(queue.inflight.size).toBe(1);
  vi.advanceTimersByTime(200);
  await failure;
});

test('a request without an answer times out, also after the connection was idle', async () => {
  const queue = connectedQueue(requestTimers);
  vi.advanceTimersByTime(10_000);
  const { answer } = ask(queue, 1);
  const failure = expect(answer).rejects.toThrow(/timed out/);
  vi.advanceTimersByTime(REQUEST_TIMEOUT_MS + 200);
  await failure;
  expect(queue.inflight.size).toBe(0);
});

test('a request that waits for its turn or for a throttle is sent', () => {
  const queue = connectedQueue(requestTimers);
  ask(queue, 1);
  const waiting = ask(queue, 2);
  queue.maybeThrottle(500);
  queue.fulfillRequest({ correlationId: 1 });
  vi.advanceTimersByTime(400);
  expect(waiting.sendRequest).not.toHaveBeenCalled();
  vi.advanceTimersByTime(200);
  expect(waiting.sendRequest).toHaveBeenCalledOnce();
});

import type { Override, Prototype } from './override.ts';

interface PendingRequest {
  sentAt: number;
  requestTimeout: number;
  timeoutRequest(): void;
}

/** What the override uses of kafkajs' `RequestQueue`. */
interface RequestQueue {
  requestTimeout: number;
  enforceRequestTimeout: boolean;
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  requestTimeoutIntervalId: NodeJS.Timeout | undefined;
  inflight: Map<number, PendingRequest>;
  pending: unknown[];
  isConnected(): boolean;
  checkPendingRequests(): void;
  sendSocketRequest(request: unknown): void;
  scheduleRequestTimeoutCheck(): void;
  scheduleCheckPendingRequests(): void;
  destroy(): void;
}

const TOLERANCE_MS = 10;
const PENDING_CHECK_MS = 10;

/**
 * kafkajs re-arms a timer of about 1 ms per connection for ever once a request was answered, and one of
 * 100 ms from connect to disconnect: 300 idle connections took 10 % of a core. Here a timer waits for
 * the moment at which a request has to be sent or is over.
 */
function quieten(prototype: RequestQueue): void {
  const { sendSocketRequest, destroy } = prototype;

  prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests() {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(
      () => {
        this.throttleCheckTimeoutId = null;
        this.checkPendingRequests();
      },
      Math.max(throttledMs, PENDING_CHECK_MS),
    );
  };

  prototype.sendSocketRequest = function sendAndWatch(request) {
    sendSocketRequest.call(this, request);
    watchTimeouts(this);
  };

  prototype.scheduleRequestTimeoutCheck = function startWithoutTimers() {
    this.destroy();
    watchTimeouts(this);
  };

  prototype.destroy = function stopTimers() {
    destroy.call(this);
    this.requestTimeoutIntervalId = undefined;
  };
}

/** One timer, for the request that is over first. It outlasts an answer: most requests are answered long before. */
function watchTimeouts(queue: RequestQueue): void {
  if (!queue.enforceRequestTimeout || queue.requestTimeoutIntervalId || queue.inflight.size === 0) return;
  const now = Date.now();
  const firstMs = Math.min(...[...queue.inflight.values()].map(({ sentAt, requestTimeout }) => sentAt + requestTimeout - now));
  queue.requestTimeoutIntervalId = setTimeout(
    () => {
      queue.requestTimeoutIntervalId = undefined;
      const firedAt = Date.now();
      for (const request of [...queue.inflight.values()]) {
        if (firedAt - request.sentAt > request.requestTimeout) request.timeoutRequest();
      }
      watchTimeouts(queue);
    },
    Math.max(firstMs, 0) + TOLERANCE_MS,
  );
}

const QUEUE = 'network/requestQueue';

type RequestQueueClass = Prototype<RequestQueue> & (new (options: object) => RequestQueue);

export const requestTimers: Override = {
  name: 'request-timers',
  install: (internals) => quieten((internals.load(QUEUE) as RequestQueueClass).prototype),
  isActive: (internals) => {
    const Queue = internals.load(QUEUE) as RequestQueueClass;
    const idle = new Queue({ requestTimeout: 1_000, enforceRequestTimeout: true });
    idle.checkPendingRequests();
    const isQuiet = idle.throttleCheckTimeoutId === null;
    idle.destroy();
    return isQuiet;
  },
};

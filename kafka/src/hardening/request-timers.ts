import type { Override, Prototype } from './override.ts';

interface PendingRequest { sentAt: number; requestTimeout: number; timeoutRequest(): void }

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

const CHECK_MS = 100;
const PENDING_CHECK_MS = 10;

/**
 * kafkajs re-arms a timer of about 1 ms per connection for ever once a request was answered, and one of
 * 100 ms from connect to disconnect: 300 idle connections took 10 % of a core. Here a timer runs only
 * while a request waits to be sent or answered.
 */
function quieten(prototype: RequestQueue): void {
  const { sendSocketRequest, destroy } = prototype;

  prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests() {
    if (this.throttleCheckTimeoutId || this.pending.length === 0) return;
    const throttledMs = this.throttledUntil - Date.now();
    this.throttleCheckTimeoutId = setTimeout(() => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    }, Math.max(throttledMs, PENDING_CHECK_MS));
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

function watchTimeouts(queue: RequestQueue): void {
  if (!queue.enforceRequestTimeout || queue.requestTimeoutIntervalId || queue.inflight.size === 0) return;
  queue.requestTimeoutIntervalId = setInterval(() => {
    const now = Date.now();
    for (const request of [...queue.inflight.values()]) {
      if (now - request.sentAt > request.requestTimeout) request.timeoutRequest();
    }
    if (queue.inflight.size > 0 && queue.isConnected()) return;
    clearInterval(queue.requestTimeoutIntervalId);
    queue.requestTimeoutIntervalId = undefined;
  }, Math.min(queue.requestTimeout, CHECK_MS));
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

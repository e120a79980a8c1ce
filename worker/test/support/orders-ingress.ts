import type { WorkerSettings } from '@sagafleet/schemas';
import { emitTo } from '../../../test/support/settings.ts';
import type { WorkerProcess } from '../../../test/support/worker-process.ts';
import type { StepNames } from './step-fixture.ts';

/** `POST /orders`, refused where the amount is negative, else passed on. */
export function ingressSettings({ input, output }: StepNames): Partial<WorkerSettings> {
  return {
    ingress: {
      path: '/orders',
      key: 'event.id',
      schema: { kind: 'subject', subject: `${input}-value`, version: 'latest' },
      inboxTopic: input,
      maxBodyBytes: 10_000,
      unknownFields: 'Reject',
      idempotencyKey: null,
      windowMs: null,
    },
    handler: { kind: 'cel', outcome: "event.amount < 0 ? 'refused' : 'taken'" },
    outcomes: {
      taken: { emit: [emitTo(output)], reject: null },
      refused: { emit: [], reject: { http: 422, message: 'an amount is not negative' } },
    },
  };
}

export async function post(worker: WorkerProcess, body: string, options: { path?: string; headers?: Record<string, string> } = {}) {
  const { path = '/orders', headers = {} } = options;
  const response = await fetch(worker.ingressUrl + path, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Record<string, unknown> };
}

import type { WorkerSettings } from '@sagafleet/schemas';
import { WorkerError } from './errors.ts';

/** Refuses what the resource allows and this worker does not run yet. @throws `unsupported` (fatal) */
export function refuseUnsupported({ handler, inputs, outcomes, ingress }: WorkerSettings): void {
  const formats = [...inputs, ...Object.values(outcomes).flatMap(({ emit }) => emit)].map(({ format }) => format);
  const refusal =
    handler.kind === 'http' || handler.kind === 'module'
      ? `handler.${handler.kind} is not run by this version, use handler.cel or none`
      : formats.some((format) => format !== 'avro')
        ? 'the formats json and bytes are not handled by this version, use avro'
        : ingress && (ingress.windowMs !== null || ingress.idempotencyKey !== null)
          ? 'ingress.http.window and idempotencyKey are not supported yet: remove them, each POST is one event'
          : null;
  if (refusal) throw new WorkerError('unsupported', 'fatal', refusal);
}

import type { Format, SagaStep } from '@sagafleet/schemas';
import { type Finding, type Path, type Problem, problemsOf } from './problem.ts';

/** What the CRD allows and this version does not run: for whoever would have to run the step. */
export function unsupported(step: SagaStep): Problem[] {
  const { handler, ingress } = step.spec;
  const findings: Finding[] = [];
  const refuse = (path: Path, message: string): void => {
    findings.push({ path: ['spec', ...path], message, atKey: true });
  };

  if (handler?.http) refuse(['handler', 'http'], 'handlers over HTTP are not run by this version: use cel, or no handler');
  if (handler?.module) refuse(['handler', 'module'], 'module handlers are not run by this version: use cel, or no handler');
  if (ingress?.http.window !== undefined) refuse(['ingress', 'http', 'window'], 'requests are not deduplicated yet: remove window');
  if (ingress?.http.idempotencyKey !== undefined) {
    refuse(['ingress', 'http', 'idempotencyKey'], 'requests are not deduplicated yet: remove idempotencyKey');
  }
  for (const [path, format] of formatsOf(step)) {
    if (format !== undefined && format !== 'avro') refuse(path, `format ${format} is not handled by this version: use avro`);
  }
  return problemsOf(step, findings);
}

function formatsOf({ spec }: SagaStep): [Path, Format | undefined][] {
  const inputs = (spec.consumes ?? []).map(({ format }, index): [Path, Format | undefined] => [['consumes', index, 'format'], format]);
  const outputs = Object.entries(spec.outcomes).flatMap(([name, { emit = [] }]) =>
    emit.map(({ format }, index): [Path, Format | undefined] => [['outcomes', name, 'emit', index, 'format'], format]),
  );
  return [...inputs, ...outputs];
}

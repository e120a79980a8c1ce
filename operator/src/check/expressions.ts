/** The expressions of a step. */
import { checkExpression, type CheckOptions } from '@sagafleet/expressions';
import type { SagaStep } from '@sagafleet/schemas';
import type { StepSchemas } from './event-schemas.ts';
import type { Finding, Path } from './problem.ts';

interface Expression {
  path: Path;
  text: string;
  options: CheckOptions;
}

/** Each mistake once, with the first of the event's schemas under which it is one. */
export function expressionFindings(step: SagaStep, schemas: StepSchemas): Finding[] {
  const { inputs } = schemas;
  return expressionsOf(step, schemas).flatMap(({ path, text, options }): Finding[] => {
    const results =
      inputs.length === 0
        ? [checkExpression(text, options)]
        : inputs.map(({ schema }) => checkExpression(text, { ...options, eventSchema: schema }));
    const wrong = results.findIndex((result) => !result.ok);
    const result = results[wrong];
    if (result === undefined || result.ok) return [];
    const topics = new Set(inputs.map(({ topic }) => topic));
    const where = topics.size > 1 ? ` (in events of ${inputs[wrong]?.topic})` : '';
    return [{ path, message: result.message + where, range: result.range }];
  });
}

function expressionsOf({ spec: { handler, ingress, outcomes } }: SagaStep, schemas: StepSchemas): Expression[] {
  const names = Object.keys(outcomes);
  const handlerAnswers = handler?.http !== undefined || handler?.module !== undefined;
  const found: Expression[] = [];
  const add = (path: Path, text: string | undefined, options: CheckOptions): void => {
    if (text !== undefined) found.push({ path: ['spec', ...path], text, options });
  };

  add(['ingress', 'http', 'key'], ingress?.http.key, { kind: 'ingressKey' });
  add(['ingress', 'http', 'idempotencyKey'], ingress?.http.idempotencyKey, { kind: 'ingressKey' });
  add(['handler', 'cel', 'outcome'], handler?.cel?.outcome, { kind: 'outcome', outcomes: names });
  add(['handler', 'http', 'outcome'], handler?.http?.outcome, { kind: 'httpOutcome', outcomes: names });
  for (const [name, { emit = [] }] of Object.entries(outcomes)) {
    for (const [index, each] of emit.entries()) {
      const { event, key, headers = {} } = each;
      const path = ['outcomes', name, 'emit', index];
      add([...path, 'event'], event, { kind: 'event', handlerAnswers, resultSchema: schemas.outputOf(each) });
      add([...path, 'key'], key, { kind: 'key', handlerAnswers });
      for (const [header, text] of Object.entries(headers)) {
        add([...path, 'headers', header], text, { kind: 'header', handlerAnswers });
      }
    }
  }
  return found;
}

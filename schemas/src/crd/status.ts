/** `status`, written by the operator alone. */
import { Type } from 'typebox';
import { oneOf, text } from './fields.ts';

const names = (description: string) =>
  Type.Array(Type.String({ maxLength: 512 }), {
    description,
    maxItems: 1024,
    'x-kubernetes-list-type': 'atomic',
  });

/** metav1.Condition of Kubernetes. */
const condition = Type.Object({
  type: text('Type of the condition.', { maxLength: 316 }),
  status: oneOf(['True', 'False', 'Unknown'], { description: 'Status of the condition: True, False or Unknown.' }),
  observedGeneration: Type.Optional(
    Type.Integer({ description: 'Generation that the condition was observed for.', format: 'int64', minimum: 0 }),
  ),
  lastTransitionTime: Type.String({ description: 'Time of the last status change.', format: 'date-time' }),
  reason: text('Reason for the status, from a closed list.', { maxLength: 1024 }),
  message: Type.String({ description: 'Human-readable reason, and what to do next.', maxLength: 32_768 }),
});

const schemaInUse = Type.Object({
  subject: text('Subject in the registry.', { maxLength: 512 }),
  id: Type.Integer({ description: 'Schema id in the registry.' }),
  version: Type.Integer({ description: 'Version of the subject.' }),
});

export const status = Type.Object(
  {
    observedGeneration: Type.Optional(Type.Integer({ description: 'Generation that the status was observed for.', format: 'int64' })),
    conditions: Type.Optional(
      Type.Array(condition, {
        description: 'Conditions of the step: Ready, Reconciling, Stalled and the conditions behind them.',
        maxItems: 32,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    ),
    replicas: Type.Optional(Type.Integer({ description: 'Number of running workers.', format: 'int32' })),
    group: Type.Optional(Type.String({ description: 'Consumer group.', maxLength: 512 })),
    topics: Type.Optional(
      Type.Object(
        {
          consumes: Type.Optional(names('Consumed topics, with globs expanded.')),
          emits: Type.Optional(names('Topics that the step emits to.')),
          deadLetter: Type.Optional(Type.String({ description: 'Dead-letter topic.', maxLength: 512 })),
        },
        { description: 'Topics in use.' },
      ),
    ),
    schemas: Type.Optional(
      Type.Array(schemaInUse, {
        description: 'Schemas in use.',
        maxItems: 1024,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    lastHandledReconcileAt: Type.Optional(
      Type.String({
        description: 'Last handled value of the annotation sagafleet.dev/reconcile-at.',
        maxLength: 256,
      }),
    ),
  },
  { description: 'Observed state of the step, written by the operator.' },
);

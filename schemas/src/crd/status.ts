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
  type: text('What the condition is about.', { maxLength: 316 }),
  status: oneOf(['True', 'False', 'Unknown'], { description: 'Does it hold?' }),
  observedGeneration: Type.Optional(Type.Integer({ description: 'Generation that it was found for.', format: 'int64', minimum: 0 })),
  lastTransitionTime: Type.String({ description: 'When status last changed.', format: 'date-time' }),
  reason: text('Why, one word of a closed list.', { maxLength: 1024 }),
  message: Type.String({ description: 'Why, and what to do next.', maxLength: 32_768 }),
});

const schemaInUse = Type.Object({
  subject: text('Subject in the registry.', { maxLength: 512 }),
  id: Type.Integer({ description: 'Id in the registry.' }),
  version: Type.Integer({ description: 'Version of the subject.' }),
});

export const status = Type.Object(
  {
    observedGeneration: Type.Optional(Type.Integer({ description: 'Generation that the status was written for.', format: 'int64' })),
    conditions: Type.Optional(
      Type.Array(condition, {
        description: 'Ready, Reconciling, Stalled and what they rest on.',
        maxItems: 32,
        'x-kubernetes-list-type': 'map',
        'x-kubernetes-list-map-keys': ['type'],
      }),
    ),
    replicas: Type.Optional(Type.Integer({ description: 'Workers that run.', format: 'int32' })),
    group: Type.Optional(Type.String({ description: 'Consumer group.', maxLength: 512 })),
    topics: Type.Optional(
      Type.Object(
        {
          consumes: Type.Optional(names('Topics that are read, globs expanded.')),
          emits: Type.Optional(names('Topics that are written.')),
          deadLetter: Type.Optional(Type.String({ description: 'Topic for dead letters.', maxLength: 512 })),
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
        description: 'Value of the annotation sagafleet.dev/reconcile-at that was last acted on.',
        maxLength: 256,
      }),
    ),
  },
  { description: 'What the operator found.' },
);

/** What a step is entered by: records of topics, or HTTP requests. */
import { Type } from 'typebox';
import { STEP_DEFAULTS } from '../defaults.ts';
import type { SchemaVersion } from '../sagastep.ts';
import { configMapKeyRef, duration, expression, oneOf, text, topicNameOrGlob, withRules } from './fields.ts';

export function format(description: string) {
  return oneOf(['avro', 'json', 'bytes'], { description, default: STEP_DEFAULTS.format });
}

export function schemaRef(description: string) {
  return Type.Object(
    {
      subject: Type.Optional(
        text('Subject in the schema registry. With avro or configMapKeyRef: the subject where that schema is registered.', {
          maxLength: 512,
        }),
      ),
      // No CEL rule: the API server takes a value that may be a text for 3 MiB long, whatever its bounds.
      version: Type.Optional(
        Type.Unsafe<SchemaVersion>({
          description: `Version of the subject: a number from 1 on, or ${STEP_DEFAULTS.schemaVersion}, which is the default.`,
          'x-kubernetes-int-or-string': true,
          pattern: `^${STEP_DEFAULTS.schemaVersion}$`,
          minimum: 1,
        }),
      ),
      avro: Type.Optional(text('Avro schema in full, as JSON text.', { maxLength: 65_536 })),
      configMapKeyRef: Type.Optional(configMapKeyRef('ConfigMap that holds the Avro schema as JSON text.')),
    },
    {
      description,
      ...withRules(
        {
          rule: 'has(self.subject) || has(self.avro) || has(self.configMapKeyRef)',
          message: 'say which schema: subject, avro or configMapKeyRef',
        },
        {
          rule: '!has(self.avro) || !has(self.configMapKeyRef)',
          message: 'give the schema once: avro or configMapKeyRef',
        },
        {
          rule: '!has(self.version) || (has(self.subject) && !has(self.avro) && !has(self.configMapKeyRef))',
          message: 'version belongs to a subject that holds the schema already: name the subject alone, or leave version out',
          fieldPath: '.version',
        },
      ),
    },
  );
}

export const consumes = Type.Array(
  Type.Object({
    topic: topicNameOrGlob(
      "Topic name, or a glob such as order_*: the outputs of the namespace's steps and the existing topics that it matches, never an internal topic.",
    ),
    format: Type.Optional(
      format('How values are encoded. json: a JSON value, no registry. bytes: the value passes through, only key and headers are seen.'),
    ),
    schema: Type.Optional(schemaRef('Reader schema. Default: the schema that each record was written with.')),
  }),
  {
    description: 'Topics that the step reads. Exactly one of consumes and ingress is given.',
    minItems: 1,
    maxItems: 32,
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['topic'],
  },
);

export const ingress = Type.Object(
  {
    http: Type.Object(
      {
        path: Type.String({
          description: 'Path of the POST request, on port 8080.',
          maxLength: 256,
          ...withRules({
            rule: "self.matches('^/[a-zA-Z0-9._~/-]*$')",
            message: 'write a path that begins with / and consists of letters, digits and . _ ~ - /',
          }),
        }),
        key: expression('Key of the event, over event and headers.'),
        schema: Type.Optional(schemaRef('Schema that the JSON body is checked against and the event is written with.')),
        idempotencyKey: Type.Optional(
          expression('What makes two requests the same, over event and headers. Default: the header Idempotency-Key.'),
        ),
        window: Type.Optional(duration('How long an idempotency key is remembered. Default: 24h.', { max: '8760h' })),
      },
      { description: 'POST requests with a JSON body.' },
    ),
  },
  { description: 'The step is entered over HTTP. Exactly one of consumes and ingress is given.' },
);

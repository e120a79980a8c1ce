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
        text('Subject in the schema registry. With avro or configMapKeyRef, the subject under which that schema is registered.', {
          maxLength: 512,
        }),
      ),
      // No CEL rule: the API server takes a value that may be a text for 3 MiB long, whatever its bounds.
      version: Type.Optional(
        Type.Unsafe<SchemaVersion>({
          description: `Version of the subject: an integer of at least 1, or ${STEP_DEFAULTS.schemaVersion}. Defaults to ${STEP_DEFAULTS.schemaVersion}.`,
          'x-kubernetes-int-or-string': true,
          pattern: `^${STEP_DEFAULTS.schemaVersion}$`,
          minimum: 1,
        }),
      ),
      avro: Type.Optional(text('Complete Avro schema as a JSON string. At most 65536 characters.', { maxLength: 65_536 })),
      configMapKeyRef: Type.Optional(configMapKeyRef('Key of a ConfigMap that contains the Avro schema as a JSON string.')),
    },
    {
      description,
      ...withRules(
        {
          rule: 'has(self.subject) || has(self.avro) || has(self.configMapKeyRef)',
          message: 'set one of subject, avro and configMapKeyRef',
        },
        {
          rule: '!has(self.avro) || !has(self.configMapKeyRef)',
          message: 'set only one of avro and configMapKeyRef',
        },
        {
          rule: '!has(self.version) || (has(self.subject) && !has(self.avro) && !has(self.configMapKeyRef))',
          message: 'version requires a subject without avro and configMapKeyRef: remove those, or remove version',
          fieldPath: '.version',
        },
      ),
    },
  );
}

export const consumes = Type.Array(
  Type.Object({
    topic: topicNameOrGlob(
      'Topic name, or a glob such as order_*. A glob matches outputs of steps in the namespace and existing topics, never internal topics.',
    ),
    format: Type.Optional(
      format(
        'Encoding of values: avro, json (without a registry) or bytes (values pass through, and expressions see only key and headers). Defaults to avro.',
      ),
    ),
    schema: Type.Optional(schemaRef('Reader schema. Defaults to the schema that each record was written with.')),
  }),
  {
    description: 'Topics that the step consumes, at most 32. Exactly one of consumes and ingress must be set.',
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
          description: 'Path of the POST request on port 8080.',
          maxLength: 256,
          ...withRules({
            rule: "self.matches('^/[a-zA-Z0-9._~/-]*$')",
            message: 'path must start with / and contain only letters, digits and . _ ~ - /',
          }),
        }),
        key: expression('CEL expression for the key of the event. Sees event and headers.'),
        schema: Type.Optional(schemaRef('Schema that validates the JSON body and encodes the event.')),
        unknownFields: Type.Optional(
          oneOf(['Reject', 'Ignore'], {
            description:
              'How to handle body fields that the schema does not have. Reject: the response is 400 and names them. Ignore: the event is accepted without them. Defaults to Reject.',
            default: STEP_DEFAULTS.ingress.unknownFields,
          }),
        ),
        idempotencyKey: Type.Optional(
          expression('CEL expression for the idempotency key. Sees event and headers. Defaults to the header Idempotency-Key.'),
        ),
        window: Type.Optional(duration('How long idempotency keys are remembered. Defaults to 24h.', { max: '8760h' })),
      },
      { description: 'Accepts POST requests with a JSON body.' },
    ),
  },
  { description: 'Events that enter the step over HTTP. Exactly one of consumes and ingress must be set.' },
);

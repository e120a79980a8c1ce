/** How a record is handled, and what each outcome does. */
import { Type } from 'typebox';
import { STEP_DEFAULTS } from '../defaults.ts';
import { configMapKeyRef, duration, expression, oneOf, text, textMap, topicName, withRules } from './fields.ts';
import { format, schemaRef } from './input.ts';

const { http, module } = STEP_DEFAULTS;
const HANDLER_TIMEOUT_MAX = '15m';

const httpHandler = Type.Object(
  {
    url: Type.String({
      description: 'URL that the event is sent to. May contain {CEL}.',
      maxLength: 2048,
      ...withRules({
        rule: "self.startsWith('http://') || self.startsWith('https://')",
        message: 'url must start with http:// or https://',
      }),
    }),
    method: Type.Optional(
      oneOf(['POST', 'PUT', 'PATCH', 'GET', 'DELETE'], {
        description: 'HTTP method: POST, PUT, PATCH, GET or DELETE. Defaults to POST.',
        default: http.method,
      }),
    ),
    headers: Type.Optional(textMap('Headers of the request, at most 32. Values may contain {CEL}.', { entries: 32, maxLength: 4096 })),
    timeout: Type.Optional(
      duration(`Timeout of one attempt, including the response body. Defaults to ${http.timeout}. At most 15m.`, {
        max: HANDLER_TIMEOUT_MAX,
        default: http.timeout,
      }),
    ),
    concurrency: Type.Optional(
      Type.Integer({
        description: `Maximum number of concurrent requests of one worker. Defaults to ${http.concurrency}.`,
        minimum: 1,
        maximum: 1024,
        default: http.concurrency,
      }),
    ),
    outcome: Type.Optional(expression('CEL expression for the name of the outcome. Sees event and response (status, headers, body).')),
    retryOn: Type.Optional(
      Type.Array(Type.Integer({ minimum: 300, maximum: 599 }), {
        description: 'Additional status codes that are retried, from 300 to 599.',
        maxItems: 32,
        'x-kubernetes-list-type': 'set',
      }),
    ),
  },
  { description: 'Sends the event as JSON to an HTTP service.' },
);

const moduleHandler = Type.Object(
  {
    configMapKeyRef: Type.Optional(configMapKeyRef('Key of a ConfigMap that contains the ES module.')),
    path: Type.Optional(text('Path of the ES module (.mjs or .ts) in the image or in a volume.', { maxLength: 4096 })),
    export: Type.Optional(text(`Name of the exported function. Defaults to ${module.export}.`, { maxLength: 256, default: module.export })),
    timeout: Type.Optional(
      duration(`Timeout of one attempt. Defaults to ${module.timeout}. At most 15m.`, {
        max: HANDLER_TIMEOUT_MAX,
        default: module.timeout,
      }),
    ),
  },
  {
    description: 'Calls a function of an ES module with the event.',
    ...withRules({
      rule: 'has(self.configMapKeyRef) != has(self.path)',
      message: 'set exactly one of configMapKeyRef and path',
    }),
  },
);

export const handler = Type.Object(
  {
    cel: Type.Optional(
      Type.Object(
        {
          outcome: expression('CEL expression for the name of the outcome. Sees event, record, saga and step.'),
        },
        { description: 'Chooses the outcome with an expression.' },
      ),
    ),
    http: Type.Optional(httpHandler),
    module: Type.Optional(moduleHandler),
  },
  {
    description:
      'Chooses the outcome. At most one of cel, http and module may be set. Without a handler, the step must have exactly one outcome.',
    ...withRules({
      rule: '[has(self.cel), has(self.http), has(self.module)].filter(given, given).size() <= 1',
      message: 'set only one of cel, http and module',
    }),
  },
);

const emit = Type.Object({
  topic: topicName('Topic that the event is written to.'),
  event: Type.Optional(expression('CEL expression for the event, a map. Defaults to the result of the handler, or to the consumed event.')),
  key: Type.Optional(expression('CEL expression for the key of the record. Defaults to the key of the consumed record.')),
  headers: Type.Optional(
    textMap('Additional headers of the record, at most 32. Values are CEL expressions.', { entries: 32, maxLength: 4096 }),
  ),
  schema: Type.Optional(
    schemaRef(
      'Schema of the event. Defaults to the latest version of subject {topic}-value. If that subject does not exist, the schema of the input is registered there.',
    ),
  ),
  format: Type.Optional(format('Encoding of the value: avro, json or bytes. Defaults to avro.')),
});

const reject = Type.Object(
  {
    http: Type.Integer({ description: 'Status code of the response, from 400 to 499.', minimum: 400, maximum: 499 }),
    message: text('Message of the response.', { maxLength: 1024 }),
  },
  { description: 'Rejects the HTTP request that entered the step. Nothing is written.' },
);

const outcome = Type.Object(
  {
    emit: Type.Optional(
      Type.Array(emit, {
        description: 'Records to write, at most 16. Set to [] to write none.',
        maxItems: 16,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    reject: Type.Optional(reject),
  },
  withRules({
    rule: 'has(self.emit) != has(self.reject)',
    message: 'set exactly one of emit (emit: [] to write nothing) and reject',
  }),
);

export const outcomes = Type.Unsafe<Record<string, Type.Static<typeof outcome>>>({
  type: 'object',
  description: 'Outcomes by name, and what each emits. At least 1, at most 32.',
  maxProperties: 32,
  additionalProperties: outcome,
  ...withRules({ rule: 'size(self) >= 1', message: 'set at least one outcome' }),
});

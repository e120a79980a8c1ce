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
      description: 'Where the event is sent; may hold {CEL}.',
      maxLength: 2048,
      ...withRules({
        rule: "self.startsWith('http://') || self.startsWith('https://')",
        message: 'write a URL that begins with http:// or https://',
      }),
    }),
    method: Type.Optional(oneOf(['POST', 'PUT', 'PATCH', 'GET', 'DELETE'], { description: 'HTTP method.', default: http.method })),
    headers: Type.Optional(textMap('Headers of the request; values may hold {CEL}.', { entries: 32, maxLength: 4096 })),
    timeout: Type.Optional(duration('Time for one attempt, answer read in full.', { max: HANDLER_TIMEOUT_MAX, default: http.timeout })),
    concurrency: Type.Optional(
      Type.Integer({ description: 'Requests of one worker at a time.', minimum: 1, maximum: 1024, default: http.concurrency }),
    ),
    outcome: Type.Optional(expression('Name of an outcome, over event and response {status, headers, body}.')),
    retryOn: Type.Optional(
      Type.Array(Type.Integer({ minimum: 300, maximum: 599 }), {
        description: 'Further status codes that are tried again.',
        maxItems: 32,
        'x-kubernetes-list-type': 'set',
      }),
    ),
  },
  { description: 'The event is sent as JSON to a service.' },
);

const moduleHandler = Type.Object(
  {
    configMapKeyRef: Type.Optional(configMapKeyRef('ConfigMap that holds the ES module.')),
    path: Type.Optional(text('Path of the ES module in the image or a volume, .mjs or .ts.', { maxLength: 4096 })),
    export: Type.Optional(text('Name of the exported function.', { maxLength: 256, default: module.export })),
    timeout: Type.Optional(duration('Time for one attempt.', { max: HANDLER_TIMEOUT_MAX, default: module.timeout })),
  },
  {
    description: 'The event is given to a function of an ES module.',
    ...withRules({
      rule: 'has(self.configMapKeyRef) != has(self.path)',
      message: 'say where the module is in exactly one way: configMapKeyRef or path',
    }),
  },
);

export const handler = Type.Object(
  {
    cel: Type.Optional(
      Type.Object(
        {
          outcome: expression('Name of an outcome, over event, record, saga and step.'),
        },
        { description: 'An expression chooses the outcome.' },
      ),
    ),
    http: Type.Optional(httpHandler),
    module: Type.Optional(moduleHandler),
  },
  {
    description: 'What chooses the outcome, at most one of cel, http and module. None: the step has one outcome and only maps.',
    ...withRules({
      rule: '[has(self.cel), has(self.http), has(self.module)].filter(given, given).size() <= 1',
      message: 'keep one handler: cel, http or module',
    }),
  },
);

const emit = Type.Object({
  topic: topicName('Topic that the event is written to.'),
  event: Type.Optional(expression('The event, a map. Default: the result of the handler, else the event that came in.')),
  key: Type.Optional(expression('Key of the record. Default: the key that came in.')),
  headers: Type.Optional(textMap('Further headers of the record; the values are CEL.', { entries: 32, maxLength: 4096 })),
  schema: Type.Optional(
    schemaRef(
      'Schema to write with. Default: the latest of subject {topic}-value, else the schema of the input, which is then registered there.',
    ),
  ),
  format: Type.Optional(format('How the value is encoded.')),
});

const reject = Type.Object(
  {
    http: Type.Integer({ description: 'Status code of the answer.', minimum: 400, maximum: 499 }),
    message: text('Message of the answer.', { maxLength: 1024 }),
  },
  { description: 'Refuses the HTTP request that entered the step; nothing is written.' },
);

const outcome = Type.Object(
  {
    emit: Type.Optional(
      Type.Array(emit, {
        description: 'Records that are written; [] = none.',
        maxItems: 16,
        'x-kubernetes-list-type': 'atomic',
      }),
    ),
    reject: Type.Optional(reject),
  },
  withRules({
    rule: 'has(self.emit) != has(self.reject)',
    message: 'say what the outcome emits (emit: [] where it is nothing), or what it rejects with',
  }),
);

export const outcomes = Type.Unsafe<Record<string, Type.Static<typeof outcome>>>({
  type: 'object',
  description: 'What each outcome emits, by name.',
  maxProperties: 32,
  additionalProperties: outcome,
  ...withRules({ rule: 'size(self) >= 1', message: 'declare at least one outcome' }),
});

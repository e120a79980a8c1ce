import { Type } from 'typebox';
import { STEP_DEFAULTS } from '../defaults.ts';
import { MAX_TOPIC_NAME } from '../names.ts';
import { oneOf, text, topicName, withRules } from './fields.ts';
import { handler, outcomes } from './handling.ts';
import { consumes, ingress } from './input.ts';
import { delivery, retry, scaling, template, topics } from './running.ts';

// .?field.hasValue(), as has() of the local evaluator takes no index; not orValue(), whose result the API
// server takes for a list of any length.
const SOME_REJECT = 'self.outcomes.exists(name, self.outcomes[name].?reject.hasValue())';
const SOME_HANDLER = 'has(self.handler) && (has(self.handler.cel) || has(self.handler.http) || has(self.handler.module))';
const OUTSIDE_HANDLER = 'has(self.handler) && (has(self.handler.http) || has(self.handler.module))';

const rules = withRules(
  {
    rule: 'has(self.consumes) != has(self.ingress)',
    message: 'give exactly one of consumes (records of topics) and ingress (HTTP requests)',
  },
  {
    rule: `size(self.outcomes) <= 1 || (${SOME_HANDLER})`,
    message: 'nothing chooses among several outcomes: add a handler, or keep one outcome',
    fieldPath: '.outcomes',
  },
  {
    rule: '!has(self.consumes) || !has(self.deadLetter) || !has(self.deadLetter.topic) || self.consumes.all(input, input.topic != self.deadLetter.topic)',
    message: 'the step would read its own dead letters: choose another deadLetter.topic',
    fieldPath: '.deadLetter.topic',
  },
  {
    rule: '!has(self.consumes) || self.outcomes.all(name, !self.outcomes[name].?emit.hasValue() || self.outcomes[name].emit.all(output, self.consumes.all(input, input.topic != output.topic)))',
    message: 'the step would read what it emits: emit to a topic that it does not consume',
    fieldPath: '.outcomes',
  },
  {
    rule: `!${SOME_REJECT} || (has(self.ingress) && !(${OUTSIDE_HANDLER}))`,
    message: 'reject answers an HTTP request: it needs ingress, and no handler or cel',
    fieldPath: '.outcomes',
  },
  {
    rule: '!has(self.ingress) || !has(self.scaling) || !has(self.scaling.min) || self.scaling.min >= 1',
    message: 'a step with ingress can not sleep: set scaling.min to 1 or more',
    fieldPath: '.scaling.min',
  },
  {
    rule: 'has(self.group) == has(oldSelf.group) && (!has(self.group) || self.group == oldSelf.group)',
    message: 'group can not be changed, the offsets belong to it: keep it, or delete the step and make it anew',
    fieldPath: '.group',
  },
);

export const spec = Type.Object(
  {
    consumes: Type.Optional(consumes),
    ingress: Type.Optional(ingress),
    // {group}.replay, the longest derived topic name, has to fit.
    group: Type.Optional(
      Type.String({
        description: 'Consumer group, can not be changed. Default: {namespace}.{name}.',
        maxLength: MAX_TOPIC_NAME - '.replay'.length,
        ...withRules({
          rule: "self.matches('^[a-zA-Z0-9][a-zA-Z0-9._-]*$')",
          message: 'write a group of letters, digits, dot, underscore and hyphen: topic names are derived from it',
        }),
      }),
    ),
    startFrom: Type.Optional(
      oneOf(['earliest', 'latest'], {
        description: 'Where a group begins that has no committed offset.',
        default: STEP_DEFAULTS.startFrom,
      }),
    ),
    handler: Type.Optional(handler),
    outcomes,
    retry: Type.Optional(retry),
    deadLetter: Type.Optional(
      Type.Object(
        {
          topic: Type.Optional(topicName('Topic for dead letters. Default: {group}.dlq.')),
          stopAfter: Type.Optional(
            Type.Integer({
              description:
                'Dead letters in a row, of at least 3 keys, after which a task stops. Defaults to 50. 0: it never stops. Change the step, or run sagafleet resume, to go on.',
              minimum: 0,
              maximum: 1_000_000,
              default: STEP_DEFAULTS.deadLetter.stopAfter,
            }),
          ),
        },
        { description: 'Where records go that can not be handled.' },
      ),
    ),
    delivery: Type.Optional(delivery),
    scaling: Type.Optional(scaling),
    topics: Type.Optional(topics),
    kafka: Type.Optional(text("Kafka connection, a name of the operator's values.", { maxLength: 63, default: STEP_DEFAULTS.kafka })),
    registry: Type.Optional(
      text("Registry connection, a name of the operator's values.", { maxLength: 63, default: STEP_DEFAULTS.registry }),
    ),
    template: Type.Optional(template),
    deletionPolicy: Type.Optional(
      oneOf(['Retain', 'Delete'], {
        description: 'What becomes of topics and group when the step is deleted.',
        default: STEP_DEFAULTS.deletionPolicy,
      }),
    ),
    suspend: Type.Optional(Type.Boolean({ description: 'No workers, all else is kept.', default: STEP_DEFAULTS.suspend })),
  },
  { description: 'What the step does.', ...rules },
);

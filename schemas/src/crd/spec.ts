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
    message: 'set exactly one of consumes (records of topics) and ingress (HTTP requests)',
  },
  {
    rule: `size(self.outcomes) <= 1 || (${SOME_HANDLER})`,
    message: 'several outcomes need a handler that chooses: add a handler, or keep one outcome',
    fieldPath: '.outcomes',
  },
  {
    rule: '!has(self.consumes) || !has(self.deadLetter) || !has(self.deadLetter.topic) || self.consumes.all(input, input.topic != self.deadLetter.topic)',
    message: 'the step would consume its own dead letters: set another deadLetter.topic',
    fieldPath: '.deadLetter.topic',
  },
  {
    rule: '!has(self.consumes) || self.outcomes.all(name, !self.outcomes[name].?emit.hasValue() || self.outcomes[name].emit.all(output, self.consumes.all(input, input.topic != output.topic)))',
    message: 'the step would consume what it emits: emit to a topic that it does not consume',
    fieldPath: '.outcomes',
  },
  {
    rule: `!${SOME_REJECT} || (has(self.ingress) && !(${OUTSIDE_HANDLER}))`,
    message: 'reject requires an ingress and no http or module handler',
    fieldPath: '.outcomes',
  },
  {
    rule: '!has(self.ingress) || !has(self.scaling) || !has(self.scaling.min) || self.scaling.min >= 1',
    message: 'a step with an ingress cannot scale to zero: set scaling.min to 1 or more',
    fieldPath: '.scaling.min',
  },
  {
    rule: 'has(self.group) == has(oldSelf.group) && (!has(self.group) || self.group == oldSelf.group)',
    message: 'group is immutable because offsets belong to it: keep it, or delete the step and create it again',
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
        description: 'Consumer group of the step. Defaults to {namespace}.{name}. Immutable.',
        maxLength: MAX_TOPIC_NAME - '.replay'.length,
        ...withRules({
          rule: "self.matches('^[a-zA-Z0-9][a-zA-Z0-9._-]*$')",
          message: 'group must start with a letter or digit and contain only letters, digits, dot, underscore and hyphen',
        }),
      }),
    ),
    startFrom: Type.Optional(
      oneOf(['earliest', 'latest'], {
        description: 'Where a group without committed offsets starts reading: earliest or latest. Defaults to earliest.',
        default: STEP_DEFAULTS.startFrom,
      }),
    ),
    handler: Type.Optional(handler),
    outcomes,
    retry: Type.Optional(retry),
    deadLetter: Type.Optional(
      Type.Object(
        {
          topic: Type.Optional(topicName('Dead-letter topic. Defaults to {group}.dlq.')),
          stopAfter: Type.Optional(
            Type.Integer({
              description:
                'Number of consecutive dead letters, of at least 3 keys, after which a task stops. Defaults to 50. Set to 0 to never stop. To continue, change the step or run sagafleet resume.',
              minimum: 0,
              maximum: 1_000_000,
              default: STEP_DEFAULTS.deadLetter.stopAfter,
            }),
          ),
        },
        { description: 'What happens to records that cannot be handled.' },
      ),
    ),
    delivery: Type.Optional(delivery),
    scaling: Type.Optional(scaling),
    topics: Type.Optional(topics),
    kafka: Type.Optional(
      text("Name of the Kafka connection in the operator's values. Defaults to default.", { maxLength: 63, default: STEP_DEFAULTS.kafka }),
    ),
    registry: Type.Optional(
      text("Name of the schema registry connection in the operator's values. Defaults to default.", {
        maxLength: 63,
        default: STEP_DEFAULTS.registry,
      }),
    ),
    template: Type.Optional(template),
    deletionPolicy: Type.Optional(
      oneOf(['Retain', 'Delete'], {
        description: "What happens to the step's topics and consumer group on deletion: Retain or Delete. Defaults to Retain.",
        default: STEP_DEFAULTS.deletionPolicy,
      }),
    ),
    suspend: Type.Optional(
      Type.Boolean({ description: 'Stops all workers and retains everything else. Defaults to false.', default: STEP_DEFAULTS.suspend }),
    ),
  },
  { description: 'Desired behavior of the step.', ...rules },
);

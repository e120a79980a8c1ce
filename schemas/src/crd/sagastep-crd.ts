/** The custom resource definition of SagaStep, composed. */
import { Type } from 'typebox';
import { withRules } from './fields.ts';
import { spec } from './spec.ts';
import { status } from './status.ts';

const column = (name: string, type: string, jsonPath: string, description: string) => ({ name, type, jsonPath, description });
const wide = (name: string, type: string, jsonPath: string, description: string) => ({
  ...column(name, type, jsonPath, description),
  priority: 1,
});

const READY = '.status.conditions[?(@.type=="Ready")]';

const sagaStep = Type.Object(
  {
    apiVersion: Type.Optional(Type.String({ description: 'Version of the schema of this object.' })),
    kind: Type.Optional(Type.String({ description: 'What this object is.' })),
    metadata: Type.Optional(Type.Unsafe<object>({ type: 'object' })),
    spec,
    status: Type.Optional(status),
  },
  {
    description: 'One step of a saga: a consumer group of generic workers, from what it consumes to what each outcome emits.',
    ...withRules({
      rule: "self.metadata.name.matches('^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$')",
      message: 'metadata.name must be a DNS label of at most 40 characters (a-z, 0-9, -): names and ACL prefixes are derived from it',
    }),
  },
);

export const sagaStepCrd = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'sagasteps.sagafleet.dev' },
  spec: {
    group: 'sagafleet.dev',
    scope: 'Namespaced',
    names: {
      kind: 'SagaStep',
      listKind: 'SagaStepList',
      plural: 'sagasteps',
      singular: 'sagastep',
      shortNames: ['ss'],
      categories: ['saga'],
    },
    versions: [
      {
        name: 'v1alpha1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          column('Ready', 'string', `${READY}.status`, 'Does the step work?'),
          column('Reason', 'string', `${READY}.reason`, 'Why it is ready or not'),
          column('Replicas', 'integer', '.status.replicas', 'Workers that run'),
          column('In', 'string', '.status.topics.consumes', 'Topics that are read'),
          column('Out', 'string', '.status.topics.emits', 'Topics that are written'),
          column('Age', 'date', '.metadata.creationTimestamp', 'Time since the step was made'),
          wide('Group', 'string', '.status.group', 'Consumer group'),
          wide('Message', 'string', `${READY}.message`, 'What to do next'),
        ],
        schema: { openAPIV3Schema: sagaStep },
      },
    ],
  },
};

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
    apiVersion: Type.Optional(Type.String({ description: 'Version of this schema.' })),
    kind: Type.Optional(Type.String({ description: 'Kind of this object.' })),
    metadata: Type.Optional(Type.Unsafe<object>({ type: 'object' })),
    spec,
    status: Type.Optional(status),
  },
  {
    description: 'A step of a saga: what it consumes, how a record is handled, and what each outcome emits.',
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
          column('Ready', 'string', `${READY}.status`, 'Whether the step is ready'),
          column('Reason', 'string', `${READY}.reason`, 'Reason for the ready status'),
          column('Replicas', 'integer', '.status.replicas', 'Number of running workers'),
          column('In', 'string', '.status.topics.consumes', 'Consumed topics'),
          column('Out', 'string', '.status.topics.emits', 'Topics that the step emits to'),
          column('Age', 'date', '.metadata.creationTimestamp', 'Time since creation'),
          wide('Group', 'string', '.status.group', 'Consumer group'),
          wide('Message', 'string', `${READY}.message`, 'What to do next'),
        ],
        schema: { openAPIV3Schema: sagaStep },
      },
    ],
  },
};

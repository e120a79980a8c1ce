import type { SagaStep, SagaStepSpec } from '@sagafleet/schemas';

const step = (name: string, spec: Partial<SagaStepSpec>): SagaStep => ({
  apiVersion: 'sagafleet.dev/v1alpha1',
  kind: 'SagaStep',
  metadata: { name },
  spec: { outcomes: { done: { emit: [] } }, suspend: true, ...spec },
});

const parcel = (...more: object[]) => JSON.stringify({ type: 'record', name: 'Parcel', fields: [{ name: 'id', type: 'string' }, ...more] });
const packing = (avro: string) =>
  step('packing', { consumes: [{ topic: 'ordered' }], outcomes: { done: { emit: [{ topic: 'packed', schema: { avro } }] } } });

/** Sets of steps, applied to an empty Kafka of our own one after the other; suspended, so that no worker has to run. */
export const RECONCILE_CASES: Record<string, SagaStep[][]> = {
  'a schema that another step registers': [
    [step('sending', { consumes: [{ topic: 'packed' }], outcomes: { done: { emit: [{ topic: 'sent' }] } } }), packing(parcel())],
  ],
  'a schema that nobody registers': [
    [step('lonely', { consumes: [{ topic: 'somewhere' }], outcomes: { done: { emit: [{ topic: 'nowhere' }] } } })],
  ],
  'a schema that is rejected, and the step beside it': [
    [packing(parcel())],
    [packing(parcel({ name: 'weight', type: 'int' })), step('other', { consumes: [{ topic: 'packed' }] })],
  ],
  'a rejected schema that is mended': [
    [packing(parcel())],
    [packing(parcel({ name: 'weight', type: 'int' }))],
    [packing(parcel({ name: 'weight', type: 'int', default: 0 }))],
  ],
  'a glob that matches nothing, and the step beside it': [
    [step('watcher', { consumes: [{ topic: 'unseen.*' }] }), step('other', { consumes: [{ topic: 'packed' }] })],
  ],
  'a step that is removed': [[packing(parcel()), step('other', { consumes: [{ topic: 'packed' }] })], [packing(parcel())]],
};

import sagaStepCrd from './sagastep-crd.json' with { type: 'json' };

/** What the API server's validation knows of a field; `x-kubernetes-validations` are CEL rules. */
export interface StructuralSchema {
  type?: string;
  description?: string;
  properties?: Record<string, StructuralSchema>;
  additionalProperties?: StructuralSchema;
  items?: StructuralSchema;
  default?: unknown;
  'x-kubernetes-int-or-string'?: boolean;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-list-type'?: 'atomic' | 'set' | 'map';
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-validations'?: { rule: string; message: string; fieldPath?: string }[];
}

/** The SagaStep CRD as it stands in `crd/sagastep.yaml`. */
export const SAGASTEP_CRD: object = sagaStepCrd;

/** The schema of a SagaStep in that CRD. */
export const SAGASTEP_SCHEMA = sagaStepCrd.spec.versions[0]?.schema.openAPIV3Schema as unknown as StructuralSchema;

/** Names, labels and owner of what is rendered for a step. */
import { SAGASTEP_API_VERSION, SAGASTEP_KIND } from '@sagafleet/schemas';
import type { ResolvedStep } from '../resolve.ts';

export interface KubeObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; [field: string]: unknown };
  [field: string]: unknown;
}

export const STEP_LABEL = 'sagafleet.dev/step';
const NAME_LABEL = 'app.kubernetes.io/name';
const WORKER = 'sagafleet-worker';

/** Never that of a team's own `payment`. */
export function objectName({ name }: Pick<ResolvedStep, 'name'>): string {
  return `sagastep-${name}`;
}

/** Never changes in the life of a step: a Deployment's selector cannot. */
export function selectorLabels({ name }: ResolvedStep): Record<string, string> {
  return { [NAME_LABEL]: WORKER, [STEP_LABEL]: name };
}

export function labels(resolved: ResolvedStep): Record<string, string> {
  return {
    ...selectorLabels(resolved),
    'app.kubernetes.io/component': 'worker',
    'app.kubernetes.io/instance': objectName(resolved),
    'app.kubernetes.io/managed-by': 'sagafleet',
    'app.kubernetes.io/part-of': 'sagafleet',
  };
}

/** Metadata of an object in the step's own namespace. */
export function metadata(resolved: ResolvedStep): KubeObject['metadata'] {
  const {
    namespace,
    step: {
      metadata: { name, uid },
    },
  } = resolved;
  const owner = { apiVersion: SAGASTEP_API_VERSION, kind: SAGASTEP_KIND, name, uid, controller: true, blockOwnerDeletion: true };
  return { name: objectName(resolved), namespace, labels: labels(resolved), ...(uid === undefined ? {} : { ownerReferences: [owner] }) };
}

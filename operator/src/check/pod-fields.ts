/**
 * Misspelt fields in the parts of a pod, which the CRD hands on as they are. Kubernetes has more fields than
 * are listed here, and gets new ones: only a name that is near to one of them is refused.
 */
import { didYouMean } from '@sagafleet/expressions';
import type { SagaStep } from '@sagafleet/schemas';
import type { Finding, Path } from './problem.ts';

/** First level of the objects of Kubernetes' core/v1. */
const KNOWN: Readonly<Record<string, readonly string[]>> = {
  resources: ['requests', 'limits', 'claims'],
  env: ['name', 'value', 'valueFrom'],
  envFrom: ['prefix', 'configMapRef', 'secretRef'],
  volumes: [
    'name',
    'configMap',
    'secret',
    'emptyDir',
    'projected',
    'persistentVolumeClaim',
    'hostPath',
    'csi',
    'ephemeral',
    'downwardAPI',
    'nfs',
    'image',
  ],
  volumeMounts: ['name', 'mountPath', 'subPath', 'subPathExpr', 'readOnly', 'recursiveReadOnly', 'mountPropagation'],
  tolerations: ['key', 'operator', 'value', 'effect', 'tolerationSeconds'],
  affinity: ['nodeAffinity', 'podAffinity', 'podAntiAffinity'],
  topologySpreadConstraints: [
    'maxSkew',
    'topologyKey',
    'whenUnsatisfiable',
    'labelSelector',
    'minDomains',
    'matchLabelKeys',
    'nodeAffinityPolicy',
    'nodeTaintsPolicy',
  ],
  imagePullSecrets: ['name'],
};

export function podFieldFindings({ spec: { template = {} } }: SagaStep): Finding[] {
  return Object.entries(KNOWN).flatMap(([part, known]) => {
    const value = (template as Record<string, unknown>)[part];
    const path = ['spec', 'template', part];
    if (Array.isArray(value)) return value.flatMap((item: unknown, index) => misspelt(item, known, [...path, index]));
    return misspelt(value, known, path);
  });
}

function misspelt(object: unknown, known: readonly string[], path: Path): Finding[] {
  return Object.keys(object ?? {})
    .filter((name) => !known.includes(name))
    .flatMap((name): Finding[] => {
      const hint = didYouMean(name, known);
      return hint === '' ? [] : [{ path: [...path, name], atKey: true, message: `unknown field "${name}"${hint}` }];
    });
}

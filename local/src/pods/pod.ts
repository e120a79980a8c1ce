/** A rendered Deployment as processes of this machine: what a kubelet would do with it, as far as a laptop can. */
import { HEALTH_CONTAINER_PORT, INGRESS_CONTAINER_PORT, WORKER_ENV } from '@sagafleet/schemas';
import { LocalError } from '../errors.ts';

/** The parts of the Deployment and ConfigMap that are used; everything else of them is ignored. */
export interface Deployment {
  metadata: { name: string };
  spec: { replicas?: number; template: { spec: PodTemplateSpec } };
}
export interface ConfigMap {
  metadata: { name: string };
  data?: Record<string, string>;
}

interface PodTemplateSpec {
  terminationGracePeriodSeconds?: number;
  containers: Container[];
  volumes?: { name: string; configMap?: { name?: string } }[];
}
interface Container {
  name: string;
  env?: { name: string; value?: string; valueFrom?: { fieldRef?: { fieldPath: string } } }[];
  volumeMounts?: { name: string; mountPath: string }[];
}

/** One pod to run. `files` are written below `folder`, and their paths in `env` point there. */
export interface Pod {
  name: string;
  step: string;
  env: Record<string, string>;
  files: Record<string, string>;
  graceMs: number;
}

export interface PodPlace {
  step: string;
  replica: number;
  /** Stands for the root of the pod's file system. */
  folder: string;
  ingressPort: number;
}

/** What local mode does differently from a cluster, listed once for whoever wonders. */
export const LOCAL_MAPPING = [
  'image: the worker of this installation, run with this Node.js',
  'addresses: Kafka and registry are the local ones',
  `ports: ${HEALTH_CONTAINER_PORT} (health) becomes a free port, ${INGRESS_CONTAINER_PORT} (ingress) the one that is shown, both on 127.0.0.1`,
  'paths: files of the ConfigMap are in the data folder',
  'topics: consumed topics that no step emits are created, unless Kafka is an existing one',
  'ignored: resources, probes, securityContext, scheduling, service account, services, network policies, autoscaling',
] as const;

/** @throws LocalError `unmappable` where the pod needs what only a cluster has */
export function toPod(deployment: Deployment, configMaps: readonly ConfigMap[], place: PodPlace): Pod {
  const { spec } = deployment.spec.template;
  const [container] = spec.containers;
  if (!container) throw new LocalError('unmappable', `deployment ${deployment.metadata.name} has no container`);
  const name = `${deployment.metadata.name}-${place.replica}`;
  const files: Record<string, string> = {};
  const moved = new Map<string, string>();
  for (const { name: volumeName, mountPath } of container.volumeMounts ?? []) {
    const source = spec.volumes?.find((volume) => volume.name === volumeName)?.configMap?.name;
    const configMap = configMaps.find(({ metadata }) => metadata.name === source);
    if (!configMap) continue;
    moved.set(mountPath, `${place.folder}${mountPath}`);
    for (const [key, text] of Object.entries(configMap.data ?? {})) files[`${place.folder}${mountPath}/${key}`] = text;
  }
  const env: Record<string, string> = {};
  for (const variable of container.env ?? []) env[variable.name] = valueOf(variable, { podName: name, moved, step: place.step });
  env[WORKER_ENV.ingressListen] = `127.0.0.1:${place.ingressPort}`;
  return { name, step: place.step, env, files, graceMs: (spec.terminationGracePeriodSeconds ?? 30) * 1_000 };
}

type Variable = NonNullable<Container['env']>[number];
interface Substitution {
  podName: string;
  moved: ReadonlyMap<string, string>;
  step: string;
}

function valueOf(variable: Variable, { podName, moved, step }: Substitution): string {
  const { name, value, valueFrom } = variable;
  if (valueFrom?.fieldRef?.fieldPath === 'metadata.name') return podName;
  if (valueFrom) {
    throw new LocalError(
      'unmappable',
      `step ${step} takes the variable ${name} from a Secret, ConfigMap or field of the cluster, which a laptop does not have: ` +
        'give it a plain value in a copy of the step',
    );
  }
  const [mountPath] = [...moved.keys()].filter((path) => value?.startsWith(`${path}/`));
  return mountPath ? `${moved.get(mountPath)!}${value!.slice(mountPath.length)}` : (value ?? '');
}

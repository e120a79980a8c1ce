/** The operator's reconcile against Kafka and the registry of a platform. */
import { setTimeout as after } from 'node:timers';
import { KafkaAdmin } from '@sagafleet/kafka';
import { Reconciler, type Clock, type ReconcileReporter, type WorkloadApplier } from '@sagafleet/operator';
import { RegistryClient } from '@sagafleet/registry';
import { plainConnection } from './platform/connection.ts';
import { localValues } from './pods/local-values.ts';

const PROVISION_PATIENCE_MS = 30_000;

export interface ReconcileOptions {
  brokers: string;
  registryUrl: string;
  isKafkaOwn: boolean;
  applier: WorkloadApplier;
  reporter: ReconcileReporter;
}

const CLOCK: Clock = {
  now: () => new Date(),
  schedule: (ms, run) => {
    const timer = after(run, ms);
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

/** `stop` leaves workloads as they are. */
export async function openReconciler(options: ReconcileOptions): Promise<{ reconciler: Reconciler; stop(): Promise<void> }> {
  const { brokers, registryUrl, ...rest } = options;
  const admin = new KafkaAdmin(plainConnection(brokers), { log: () => {}, level: 'error', patienceMs: PROVISION_PATIENCE_MS });
  await admin.connect();
  const reconciler = new Reconciler({
    ...rest,
    admin,
    registry: new RegistryClient({ url: registryUrl }),
    values: localValues(brokers, registryUrl),
    facts: { hasKeda: false, hasStrimzi: false },
    clock: CLOCK,
  });
  const stop = async () => {
    reconciler.stop();
    await admin.close();
  };
  return { reconciler, stop };
}

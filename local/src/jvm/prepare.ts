import { findFreePort } from '../processes/ports.ts';
import { ARCHIVE_GRACE_MS, type TrialRun, sharedClasses } from './class-archive.ts';
import { type FetchContext, type KafkaFiles, type RegistryFiles, fetchKafka, fetchRegistry } from './fetch.ts';
import type { Java } from './java.ts';
import { KafkaCluster } from './kafka-broker.ts';
import { ApicurioRegistry } from './registry.ts';

/** All that the programs of Kafka need to run. */
export interface KafkaTools {
  java: Java;
  files: KafkaFiles;
  /** For quick starts. */
  jvmOptions: readonly string[];
  cacheDir: string;
}

export interface RegistryTools {
  java: Java;
  files: RegistryFiles;
  jvmOptions: readonly string[];
}

/** Fetches Kafka and records its classes, each once. */
export async function prepareKafka(context: FetchContext): Promise<KafkaTools> {
  const { java, cacheDir } = context;
  const files = await fetchKafka(context);
  const jvmOptions = await sharedClasses(context, files.folder, async (trial) => {
    const cluster = await KafkaCluster.create({ java, files, ports: [await findFreePort()], ...inTrial(trial) });
    await cluster.start();
    await cluster.stop(ARCHIVE_GRACE_MS);
  });
  return { java, files, jvmOptions, cacheDir };
}

/** Fetches the registry and records its classes, each once. */
export async function prepareRegistry(context: FetchContext): Promise<RegistryTools> {
  const { java } = context;
  const files = await fetchRegistry(context);
  const jvmOptions = await sharedClasses(context, files.folder, async (trial) => {
    const registry = new ApicurioRegistry({ java, files, ...inTrial(trial) });
    await registry.start();
    await registry.stop(ARCHIVE_GRACE_MS);
  });
  return { java, files, jvmOptions };
}

function inTrial({ folder, jvmOptions }: TrialRun) {
  return { dataDir: folder, logsDir: folder, jvmOptions, onCrash: () => {} };
}

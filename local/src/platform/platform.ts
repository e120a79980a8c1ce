import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Environment } from '../environment.ts';
import { LocalError } from '../errors.ts';
import { defaultCacheDir } from '../jvm/cache.ts';
import { findJava } from '../jvm/java.ts';
import { KafkaCluster } from '../jvm/kafka-broker.ts';
import { type KafkaTools, prepareKafka, prepareRegistry } from '../jvm/prepare.ts';
import { ApicurioRegistry } from '../jvm/registry.ts';
import { findFreePort, requireFreePort } from '../processes/ports.ts';
import { openDataDir } from './data-dir.ts';
import { requireBrokers, requireRegistry } from './existing.ts';
import { RegistryGateway } from './gateway.ts';

export interface PlatformOptions {
  env: Environment;
  /** Default `SAGAFLEET_CACHE`, else `sagafleet` in the user's cache folder. */
  cacheDir?: string;
  /** Keeps topics and schemas for the next run; default a fresh folder that is removed. */
  dataDir?: string;
  /** Default 9092. */
  kafkaPort?: number;
  /** How many of our own; the others listen on free ports. Default 1. */
  brokerCount?: number;
  /** Default 8081. */
  registryPort?: number;
  /** "host:port,…" of a cluster that runs, instead of one of our own. */
  brokers?: string;
  /** Root of a Confluent-compatible interface that runs, instead of one of our own. */
  registryUrl?: string;
  /** Settings of Kafka's `server.properties`, over ours. */
  brokerProperties?: Readonly<Record<string, string>>;
  onProgress: (text: string) => void;
  /** A server of ours ended by itself after the start. */
  onCrash: (error: LocalError) => void;
}

export interface Platform {
  /** "localhost:9092", more of them with commas between */
  brokers: string;
  /** "http://localhost:8081" */
  registryUrl: string;
  dataDir: string;
  /** Folder for logs of programs, in `dataDir`. */
  logsDir: string;
  tools: KafkaTools;
  /** What it started itself; undefined for what ran already. */
  kafka: KafkaCluster | undefined;
  registry: ApicurioRegistry | undefined;
  stop: () => Promise<void>;
}

const KAFKA_PORT_ADVICE = 'choose another one with --kafka-port, or use the Kafka that runs there with --kafka HOST:PORT';
const REGISTRY_PORT_ADVICE = 'choose another one with --registry-port, or use the registry that runs there with --registry URL';

type Undo = (() => Promise<void>)[];

/**
 * Starts Kafka and a schema registry as processes on loopback, fetched first where they are not in the cache, or checks
 * the ones that are named. What it starts ends with this process, however that ends.
 * @throws LocalError java-missing, maven-missing, fetch-failed, port-busy, data-in-use, no-broker, no-registry, process-ended, not-ready
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const undo: Undo = [];
  const stop = async () => {
    for (let step = undo.pop(); step; step = undo.pop()) await step();
  };
  try {
    return { ...(await startParts(options, undo)), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function startParts(options: PlatformOptions, undo: Undo): Promise<Omit<Platform, 'stop'>> {
  const { env, brokers, onProgress, onCrash, kafkaPort = 9092, registryPort = 8081 } = options;
  if (brokers === undefined && options.registryUrl === undefined && kafkaPort === registryPort) {
    throw new LocalError(
      'port-busy',
      `Kafka and the schema registry are both to listen on port ${kafkaPort}, change one with --kafka-port or --registry-port`,
    );
  }
  const java = await findJava(env);
  if (brokers === undefined) await requireFreePort(kafkaPort, 'Kafka', KAFKA_PORT_ADVICE);
  else await requireBrokers(brokers);
  let registry: ApicurioRegistry | undefined;
  if (options.registryUrl === undefined) {
    await requireFreePort(registryPort, 'the schema registry', REGISTRY_PORT_ADVICE);
    await openGateway(registryPort, () => registry?.url, undo);
  }
  const registryUrl = options.registryUrl === undefined ? `http://localhost:${registryPort}` : await requireRegistry(options.registryUrl);
  const dirs = await openDirs(options.dataDir, undo);

  const context = { env, java, onProgress, cacheDir: options.cacheDir ?? defaultCacheDir(env) };
  const tools = await prepareKafka(context);
  const kafka = brokers === undefined ? await createKafka(options, tools, dirs) : undefined;
  if (options.registryUrl === undefined) registry = new ApicurioRegistry({ ...(await prepareRegistry(context)), ...dirs, onCrash });
  const servers = [kafka, registry].filter((server) => server !== undefined);
  undo.push(async () => void (await Promise.all(servers.map((server) => server.stop()))));
  onProgress('starting Kafka and the schema registry');
  await Promise.all(servers.map((server) => server.start()));
  return { brokers: brokers ?? kafka!.bootstrap, registryUrl, ...dirs, tools, kafka, registry };
}

/** Holds the port while the registry is still fetched and started. */
async function openGateway(port: number, target: () => string | undefined, undo: Undo): Promise<void> {
  const gateway = new RegistryGateway(target);
  undo.push(() => gateway.close());
  await gateway.listen(port);
}

async function openDirs(dataDir: string | undefined, undo: Undo): Promise<{ dataDir: string; logsDir: string }> {
  const data = await openDataDir(dataDir);
  undo.push(data.release);
  const logsDir = join(data.path, 'logs');
  mkdirSync(logsDir, { recursive: true });
  return { dataDir: data.path, logsDir };
}

async function createKafka(options: PlatformOptions, tools: KafkaTools, dirs: { dataDir: string; logsDir: string }): Promise<KafkaCluster> {
  const { kafkaPort = 9092, brokerCount = 1, brokerProperties: properties = {}, onCrash } = options;
  const ports = [kafkaPort];
  while (ports.length < brokerCount) ports.push(await findFreePort());
  return KafkaCluster.create({ ...tools, ...dirs, ports, properties, onCrash });
}

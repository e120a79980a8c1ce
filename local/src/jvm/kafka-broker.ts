import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LocalError } from '../errors.ts';
import { findFreePort } from '../processes/ports.ts';
import { type KafkaFiles, LOGGING_FILE } from './fetch.ts';
import type { Java } from './java.ts';
import { JvmServer } from './jvm-server.ts';

export interface KafkaClusterOptions {
  java: Java;
  files: KafkaFiles;
  /** Keeps the logs of the topics; what it holds from an earlier run is served again. */
  dataDir: string;
  logsDir: string;
  /** One broker a port, on `localhost`. */
  ports: readonly number[];
  /** Settings of Kafka's `server.properties`, over the ones from here. */
  properties?: Readonly<Record<string, string>>;
  jvmOptions?: readonly string[];
  onCrash: (error: LocalError) => void;
}

/** One process that is broker and controller. */
export class KafkaBroker extends JvmServer {
  readonly id: number;
  /** "localhost:9092" */
  readonly address: string;

  constructor(id: number, port: number, propertiesFile: string, options: KafkaClusterOptions) {
    super({
      name: `kafka-${id}`,
      java: options.java,
      classPath: options.files.classPath,
      program: [
        ...(options.jvmOptions ?? []),
        '-Xms64m',
        '-Xmx512m',
        `-Dlog4j.configurationFile=${LOGGING_FILE}`,
        '-Dsagafleet.logs=info',
        'kafka.Kafka',
        propertiesFile,
      ],
      ready: /Kafka Server started/,
      logFile: join(options.logsDir, `kafka-${id}.log`),
      onCrash: options.onCrash,
    });
    this.id = id;
    this.address = `localhost:${port}`;
  }
}

/** Apache Kafka in KRaft mode on loopback. Brokers may also be stopped, killed, frozen and started one by one. */
export class KafkaCluster {
  readonly brokers: readonly KafkaBroker[];
  /** "localhost:9092", more of them with commas between */
  readonly bootstrap: string;

  private constructor(brokers: readonly KafkaBroker[]) {
    this.brokers = brokers;
    this.bootstrap = brokers.map((broker) => broker.address).join(',');
  }

  /** Writes settings and, for a new folder, formats the storage. Starts nothing. */
  static async create(options: KafkaClusterOptions): Promise<KafkaCluster> {
    const controllers: number[] = [];
    for (const _ of options.ports) controllers.push(await findFreePort());
    const voters = controllers.map((port, index) => `${index + 1}@127.0.0.1:${port}`).join(',');
    const clusterId = readClusterId(storageDir(options, 1)) ?? randomId();
    const brokers = options.ports.map((port, index) => {
      const id = index + 1;
      const storage = storageDir(options, id);
      format(storage, id, clusterId, options.files.bootstrapCheckpoint);
      const settings = {
        'node.id': `${id}`,
        'controller.quorum.voters': voters,
        listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllers[index]}`,
        'advertised.listeners': `PLAINTEXT://localhost:${port}`,
        'log.dirs': storage,
        ...sharedSettings(options.ports.length),
        ...options.properties,
      };
      const file = join(options.dataDir, `kafka-${id}.properties`);
      writeFileSync(file, toProperties(settings));
      return new KafkaBroker(id, port, file, options);
    });
    return new KafkaCluster(brokers);
  }

  async start(): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.start()));
  }

  async stop(graceMs?: number): Promise<void> {
    await Promise.all(this.brokers.map((broker) => broker.stop(graceMs)));
  }
}

function sharedSettings(brokers: number): Record<string, string> {
  const replicas = `${Math.min(brokers, 3)}`;
  const inSync = brokers < 3 ? '1' : '2';
  return {
    'process.roles': 'broker,controller',
    'controller.listener.names': 'CONTROLLER',
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'auto.create.topics.enable': 'false',
    'num.partitions': '3',
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.num.partitions': '3',
    'offsets.topic.replication.factor': replicas,
    'transaction.state.log.num.partitions': '3',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.num.partitions': '3',
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    // A broker that was killed and comes back is not kept out for 9 s
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
    // 128 MB by default
    'log.cleaner.dedupe.buffer.size': '2097152',
  };
}

/** The text of a Java properties file. */
function toProperties(settings: Readonly<Record<string, string>>): string {
  return Object.entries(settings)
    .map(([key, value]) => `${key}=${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')}\n`)
    .join('');
}

/**
 * What `kafka-storage format` does, without the second that it takes: `bootstrap.checkpoint` holds the feature levels
 * of the version, `meta.properties` (KIP-858) says whose folder it is.
 */
function format(storage: string, nodeId: number, clusterId: string, bootstrapCheckpoint: string): void {
  if (existsSync(join(storage, 'meta.properties'))) return;
  mkdirSync(storage, { recursive: true });
  copyFileSync(bootstrapCheckpoint, join(storage, 'bootstrap.checkpoint'));
  const meta = { version: '1', 'cluster.id': clusterId, 'node.id': `${nodeId}`, 'directory.id': randomId() };
  writeFileSync(join(storage, 'meta.properties'), toProperties(meta));
}

function readClusterId(storage: string): string | undefined {
  const file = join(storage, 'meta.properties');
  return existsSync(file) ? /^cluster\.id=(.+)$/m.exec(readFileSync(file, 'utf8'))?.[1]?.trim() : undefined;
}

function storageDir(options: KafkaClusterOptions, id: number): string {
  return join(options.dataDir, `kafka-${id}`);
}

/** A UUID as Kafka writes them: 16 bytes in base64url; never with a leading dash, which its tools take for an option. */
function randomId(): string {
  const id = randomBytes(16).toString('base64url');
  return id.startsWith('-') ? randomId() : id;
}

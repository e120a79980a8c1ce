import type { Broker, Kafka } from 'kafkajs';
import { KafkaError } from '../errors.ts';
import { ISOLATION, openCluster } from '../kafkajs/cluster.ts';
import type { ApiVersions, ConnectionPool, OpenCluster, ProtocolRequest } from '../kafkajs/private-shape.ts';
import { type ClusterMetadata, metadataRequest } from '../wire/metadata.ts';
import { Leaders } from './leaders.ts';
import { Line } from './line.ts';

export interface Destination {
  nodeId: number;
  /** Requests of one lane share a connection to each broker; those of different lanes never wait for each other. */
  lane: string;
}

type AnyBroker = Broker & { connectionPool: ConnectionPool };

const NO_ANSWER: ReadonlySet<string> = new Set(['KafkaJSConnectionError', 'KafkaJSConnectionClosedError', 'KafkaJSRequestTimeoutError']);

/**
 * The connections of a process to a cluster, shared by all who name the same lane. kafkajs finds a broker to
 * begin with and makes connections with TLS and SASL; which broker leads what is asked for here, since
 * kafkajs' metadata knows neither topic ids nor leader epochs.
 */
export class Connections {
  readonly leaders = new Leaders(this);
  readonly #cluster: OpenCluster;
  readonly #lines = new Map<string, Promise<Line>>();
  #addresses = new Map<number, { host: string; port: number }>();
  #answering: number | null = null;
  #isClosed = false;

  constructor(kafka: Kafka) {
    this.#cluster = openCluster(kafka, ISOLATION.readCommitted);
  }

  /** @param signal withdraws a request that was not sent yet */
  async send<Answer>(destination: Destination, request: ProtocolRequest<Answer>, signal?: AbortSignal): Promise<Answer> {
    this.#throwIfClosed();
    const line = await this.#lineTo(destination);
    this.#throwIfClosed();
    return line.send(request, signal);
  }

  /** To any broker that answers: the one that did before, another one that is known, at last those of the settings. The request may be sent twice. */
  async sendToAny<Answer>(request: ProtocolRequest<Answer>): Promise<Answer> {
    for (const nodeId of [...this.#addresses.keys()].sort((a, b) => Number(b === this.#answering) - Number(a === this.#answering))) {
      try {
        const answer = await this.send({ nodeId, lane: 'any' }, request);
        this.#answering = nodeId;
        return answer;
      } catch (error) {
        if (!isNoAnswer(error as Error)) throw error;
      }
    }
    this.#throwIfClosed();
    await this.#cluster.connect();
    const broker = (await this.#cluster.brokerPool.findConnectedBroker()) as AnyBroker;
    return broker.connectionPool.send(request);
  }

  /** Asked for now; also learns where brokers are. */
  async metadata(topics: readonly string[]): Promise<ClusterMetadata> {
    const metadata = await this.sendToAny(metadataRequest(topics));
    this.#addresses = new Map(metadata.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    return metadata;
  }

  /** Which versions of which requests the brokers take: as the first of them that answers says. */
  async apiVersions(): Promise<ApiVersions> {
    this.#throwIfClosed();
    await this.#cluster.connect();
    return this.#cluster.brokerPool.versions!;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const lines = await Promise.allSettled(this.#lines.values());
    await Promise.all(
      lines.map(async (line) => {
        if (line.status === 'fulfilled') await line.value.close();
      }),
    );
    await this.#cluster.disconnect();
  }

  async #lineTo({ nodeId, lane }: Destination): Promise<Line> {
    if (!this.#addresses.has(nodeId)) await this.metadata([]);
    const address = this.#addresses.get(nodeId);
    if (!address) throw new KafkaError('no-broker', `broker ${nodeId} is not part of the cluster now`);
    const name = `${lane}@${address.host}:${address.port}`;
    const open = this.#lines.get(name) ?? this.#openLine(address);
    this.#lines.set(name, open);
    return open;
  }

  async #openLine(address: { host: string; port: number }): Promise<Line> {
    const { connectionPoolBuilder, brokerPool } = this.#cluster;
    const pool = await connectionPoolBuilder.build(address);
    pool.setVersions(brokerPool.versions);
    pool.setSupportAuthenticationProtocol(true);
    return new Line(pool.pool[0]!);
  }

  #throwIfClosed(): void {
    if (this.#isClosed) throw new KafkaError('unavailable', 'the connections are closed');
  }
}

function isNoAnswer(error: Error): boolean {
  return error instanceof KafkaError ? error.code === 'no-broker' : NO_ANSWER.has(error.name);
}

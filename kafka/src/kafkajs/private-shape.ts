/**
 * kafkajs 2.2.4 behind its public interface, as far as it is used here, and the only place that says so. The
 * version is pinned; `hardening/` describes the classes that it repairs beside each repair.
 */
import { createRequire } from 'node:module';
import type { Admin, Broker, Cluster, Kafka, Logger, RetryOptions } from 'kafkajs';
import './kafkajs.ts';

/** A request as the hardened kafkajs sends it (request-copies). */
export interface ProtocolRequest<Answer> {
  request: { apiKey: number; apiVersion: number; apiName: string; encode(): Promise<{ parts: Buffer[] }> };
  response: { decode(payload: Buffer): Promise<Answer>; parse(answer: Answer): Promise<Answer> };
  /** Milliseconds; at least the client's request time-out. */
  requestTimeout?: number;
  /** kafkajs logs what a broker refuses; these are answers that callers expect. */
  logResponseError?: boolean;
}

/** One of kafkajs' own requests, without the client around it. */
export interface KafkajsRequest<Params, Answer> {
  protocol(of: { version: number }): (params: Params) => ProtocolRequest<Answer>;
}

/** One socket to a broker. */
export interface Connection {
  isConnected(): boolean;
  connect(): Promise<unknown>;
  /** Null: without SASL. */
  sasl: object | null;
  /** False as well shortly before the broker would end the session (KIP-368). */
  isAuthenticated(): boolean;
  authenticate(): Promise<void>;
  send<Answer>(request: ProtocolRequest<Answer>): Promise<Answer>;
  disconnect(): Promise<unknown>;
  rejectRequests(error: Error): void;
  /** Of the last attempt to connect. */
  socket?: { destroy(): void };
}

export interface ConnectionPool {
  pool: Connection[];
  setVersions(versions: unknown): void;
  setSupportAuthenticationProtocol(isSupported: boolean): void;
  send<Answer>(request: ProtocolRequest<Answer>): Promise<Answer>;
}

/** Lowest and highest version of each request, by its key. */
export type ApiVersions = Record<number, { minVersion: number; maxVersion: number }>;

/** The connections behind a client. */
export interface OpenCluster extends Cluster {
  /** What metadata is asked for. */
  targetTopics: Set<string>;
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  connectionPoolBuilder: { build(address: { host: string; port: number }): Promise<ConnectionPool> };
  brokerPool: { versions: ApiVersions | null; findConnectedBroker(): Promise<Broker> };
}

export interface CoordinatorRequest {
  groupId: string;
  coordinatorType?: number;
}

/** The part of a cluster that finds coordinators. */
export interface AskingCluster {
  findGroupCoordinator(request: CoordinatorRequest): Promise<unknown>;
  brokerPool: { findConnectedBroker(): Promise<unknown> };
}

/** A broker, as a member of a group uses it. */
export interface MemberBroker {
  joinGroup(request: object): Promise<object>;
  syncGroup(request: { generationId: number; memberId: string }): Promise<{ memberAssignment: Buffer }>;
  heartbeat(request: object): Promise<void>;
}

/** The cluster that a partition assigner is given. */
export interface MemberCluster {
  addMultipleTargetTopics(topics: readonly string[]): Promise<void>;
  findTopicPartitionMetadata(topic: string): { partitionId: number }[];
  findGroupCoordinator(request: CoordinatorRequest): Promise<MemberBroker>;
  brokerPool: { findConnectedBroker(): Promise<unknown> };
}

export interface ProtocolDecoder {
  readInt16(): number;
  readInt32(): number;
  readInt64(): { toString(): string };
  readString(): string;
  readArray<T>(read: (decoder: ProtocolDecoder) => T): T[];
}

interface AdminParts {
  cluster: Cluster;
  logger: Logger;
  retry: RetryOptions;
}

const require = createRequire(import.meta.url);

/** A module of kafkajs by its path below `kafkajs/src/`, as hardened. */
export function loadInternal(path: string): unknown {
  return require(`kafkajs/src/${path}`);
}

export const createAdmin = loadInternal('admin') as (parts: AdminParts) => Admin;
export const Decoder = loadInternal('protocol/decoder') as new (payload: Buffer) => ProtocolDecoder;
export const { createErrorFromCode } = loadInternal('protocol/error') as { createErrorFromCode(code: number): Error };
export const { requests: kafkajsRequests } = loadInternal('protocol/requests') as { requests: Record<string, unknown> };

type CreateCluster = (options: { isolationLevel: number; allowAutoTopicCreation: boolean; metadataMaxAge: number }) => OpenCluster;

/** How a client makes its clusters; undefined in another version of kafkajs. */
export function createClusterOf(kafka: Kafka): CreateCluster | undefined {
  const symbol = Object.getOwnPropertySymbols(kafka).find(({ description }) => description === 'private:Kafka:createCluster');
  return symbol && (kafka as unknown as Record<symbol, CreateCluster>)[symbol];
}

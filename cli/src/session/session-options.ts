import type { SessionOptions } from '@sagafleet/local';
import { InvalidArgumentError, type Command } from 'commander';

export interface SessionFlags {
  data?: string;
  kafka?: string;
  registry?: string;
  kafkaPort?: number;
  registryPort?: number;
  ingressPort: number;
  replicas: Map<string, number>;
}

/** The options of every command that starts a platform. */
export function withSessionOptions(command: Command): Command {
  return command
    .option('--data <dir>', 'folder for topics and schemas; defaults to a temporary folder that is removed on exit')
    .option('--kafka <host:port>', 'use an existing Kafka')
    .option('--registry <url>', 'use an existing Confluent-compatible registry')
    .option('--kafka-port <port>', 'port of the local Kafka (default 9092)', parsePort)
    .option('--registry-port <port>', 'port of the local registry (default 8081)', parsePort)
    .option('--ingress-port <port>', 'port of the first step with an HTTP ingress; each further one uses the next port', parsePort, 8080)
    .option('--replicas <step=n>', 'number of workers of a step; repeatable', collectReplicas, new Map<string, number>());
}

export function toSessionOptions(flags: SessionFlags): SessionOptions {
  return { ...flags };
}

function parsePort(value: string): number {
  const port = Number(value);
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new InvalidArgumentError('must be a port, 1 to 65535.');
}

function collectReplicas(value: string, before: Map<string, number>): Map<string, number> {
  const [, step, count] = /^([a-z0-9-]+)=(\d+)$/.exec(value) ?? [];
  if (!step || Number(count) > 50) throw new InvalidArgumentError('must be STEP=N, such as payment=3.');
  return new Map(before).set(step, Number(count));
}

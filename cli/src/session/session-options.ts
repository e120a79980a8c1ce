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
    .option('--data <dir>', 'keep topics and schemas in this folder; default a fresh one that is removed at the end')
    .option('--kafka <host:port>', 'use a Kafka that runs already')
    .option('--registry <url>', 'use a Confluent-compatible registry that runs already')
    .option('--kafka-port <port>', 'port of the Kafka that is started (default 9092)', parsePort)
    .option('--registry-port <port>', 'port of the registry that is started (default 8081)', parsePort)
    .option('--ingress-port <port>', 'port of the first step with an HTTP ingress; the next one gets the next port', parsePort, 8080)
    .option('--replicas <step=n>', 'run n workers of a step; can be repeated', collectReplicas, new Map<string, number>());
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

import type { KafkaOptions } from '@sagafleet/kafka';
import { InvalidArgumentError, type Command } from 'commander';

/** Where the local platform is when nothing else is said. */
export const DEFAULT_BROKERS = 'localhost:9092';
const DEFAULT_REGISTRY = 'http://localhost:8081';

/** How long a command that looks at something waits for a broker before it says that none answers. */
const PATIENCE_MS = 3_000;

export interface ConnectionOptions {
  kafka: string;
  registry: string;
}

export function withConnectionOptions(command: Command): Command {
  return command
    .option('--kafka <host:port>', 'brokers, separated by commas', DEFAULT_BROKERS)
    .option('--registry <url>', 'root URL of a Confluent-compatible registry', DEFAULT_REGISTRY);
}

export const KAFKA_OPTIONS: KafkaOptions = { log: () => undefined, level: 'error', patienceMs: PATIENCE_MS };

export type OutputFormat = 'text' | 'json';

export function withOutputOption(command: Command): Command {
  return command.option('--output <format>', 'text or json', parseOutput, 'text');
}

function parseOutput(value: string): OutputFormat {
  if (value === 'text' || value === 'json') return value;
  throw new InvalidArgumentError('must be text or json.');
}

export function parseCount(value: string): number {
  const count = Number(value);
  if (Number.isInteger(count) && count >= 1 && count <= 1_000_000) return count;
  throw new InvalidArgumentError('must be a whole number between 1 and 1000000.');
}

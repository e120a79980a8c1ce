import { once } from 'node:events';
import { constants } from 'node:os';
import { LocalError } from '../errors.ts';
import { type ProgramCommand, spawnGuarded } from '../processes/child-program.ts';
import { LOGGING_FILE } from './fetch.ts';
import { javaArgs } from './jvm-server.ts';
import type { KafkaTools } from './prepare.ts';

/** Kafka's own tools by the names of their scripts, less "kafka-", with what the scripts start. */
const TOOLS: Readonly<Record<string, string>> = {
  'broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  configs: 'kafka.admin.ConfigCommand',
  'console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'console-producer': 'org.apache.kafka.tools.ConsoleProducer',
  'consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  features: 'org.apache.kafka.tools.FeatureCommand',
  'get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  groups: 'org.apache.kafka.tools.GroupsCommand',
  'leader-election': 'org.apache.kafka.tools.LeaderElectionCommand',
  'log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'reassign-partitions': 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  topics: 'org.apache.kafka.tools.TopicCommand',
  transactions: 'org.apache.kafka.tools.TransactionsCommand',
};

/** "topics", "console-consumer", … */
export const KAFKA_TOOLS = Object.keys(TOOLS);

export interface KafkaToolCall {
  /** "topics" or "kafka-topics" */
  name: string;
  args: readonly string[];
  /** "host:port", given to the tool unless `args` name others. */
  brokers: string;
}

/**
 * The command that runs a tool of Kafka.
 * @throws LocalError unknown-tool
 */
export function kafkaToolCommand(tools: KafkaTools, call: KafkaToolCall): ProgramCommand {
  const mainClass = TOOLS[call.name.replace(/^kafka-/, '')];
  if (mainClass === undefined) {
    throw new LocalError('unknown-tool', `Kafka has no tool ${call.name}; use one of ${KAFKA_TOOLS.join(', ')}`);
  }
  const namesBrokers = call.args.some((arg) => arg.startsWith('--bootstrap-'));
  const program = [
    ...tools.jvmOptions,
    '-Xmx256m',
    // Without the variables of the terminal Java would write ASCII
    '-Dstdout.encoding=UTF-8',
    '-Dstderr.encoding=UTF-8',
    `-Dlog4j.configurationFile=${LOGGING_FILE}`,
    mainClass,
    ...(namesBrokers ? [] : ['--bootstrap-server', call.brokers]),
    ...call.args,
  ];
  return { command: tools.java.java, args: javaArgs(tools.files.classPath, program), env: {} };
}

/**
 * Runs a tool of Kafka in the terminal of this process.
 * @returns its exit code, 128 + n if signal n ended it
 * @throws LocalError unknown-tool
 */
export async function runKafkaTool(tools: KafkaTools, call: KafkaToolCall): Promise<number> {
  const tool = spawnGuarded(kafkaToolCommand(tools, call), 'foreground');
  // Ctrl-C also reaches the tool, which then has things to say
  const wait = () => {};
  process.on('SIGINT', wait);
  try {
    const [code, signal] = (await once(tool, 'exit')) as [number | null, NodeJS.Signals | null];
    return code ?? 128 + (signal === null ? 0 : constants.signals[signal]);
  } finally {
    process.off('SIGINT', wait);
  }
}

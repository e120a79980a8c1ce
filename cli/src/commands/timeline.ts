import { KafkaAdmin } from '@sagafleet/kafka';
import { plainConnection } from '@sagafleet/local';
import { RegistryClient } from '@sagafleet/registry';
import { Command } from 'commander';
import { KAFKA_OPTIONS, withConnectionOptions, withOutputOption, type ConnectionOptions, type OutputFormat } from '../connections.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import type { Io } from '../terminal/io.ts';
import { toJson } from '../terminal/json.ts';
import { formatTimeline, readTimelines } from '../timeline.ts';

type Options = ConnectionOptions & { output: OutputFormat; topics?: string };

export function timelineCommand(io: Io, exit: (code: number) => void): Command {
  const command = new Command('timeline')
    .description('show the events of a saga, such as an order, in all topics, in order of time')
    .argument('<saga>', "the saga's id: the key of its records")
    .option('--topics <names>', 'only these topics, separated by commas')
    .addHelpText('after', '\nExamples:\n  sagafleet timeline order-42\n  sagafleet timeline order-42 --output json | jq .[].topic\n');
  return withOutputOption(withConnectionOptions(command)).action(async (saga: string, options: Options) => {
    const connection = plainConnection(options.kafka);
    const topics = options.topics?.split(',') ?? (await publicTopics(options.kafka));
    const registry = new RegistryClient({ url: options.registry });
    const events = await readTimelines({ connection, registry, topics, isWanted: (id) => id === saga });
    if (options.output === 'json') {
      io.stdout.write(`${toJson(events, 2)}\n`);
    } else if (events.length > 0) {
      io.stdout.write(`${formatTimeline(events, (event) => toJson(event)).join('\n')}\n`);
    }
    if (events.length === 0) {
      io.stderr.write(`no event of ${saga} in ${topics.join(', ') || 'any topic'}\n`);
      exit(EXIT.problems);
    }
  });
}

/** Kafka's own topics and those between a step and itself are not part of the story. */
async function publicTopics(brokers: string): Promise<string[]> {
  const admin = new KafkaAdmin(plainConnection(brokers), KAFKA_OPTIONS);
  await admin.connect();
  try {
    const names = (await admin.describeTopics()).map(({ name }) => name);
    return names.filter((name) => !/\.(inbox|state|replay)$/.test(name)).sort();
  } finally {
    await admin.close();
  }
}

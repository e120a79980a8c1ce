import { defaultCacheDir, findJava, KAFKA_TOOLS, prepareKafka, runKafkaTool } from '@sagafleet/local';
import { Command } from 'commander';
import { DEFAULT_BROKERS } from '../connections.ts';
import type { Io } from '../terminal/io.ts';

export function kafkaCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('kafka')
    .description("run one of Kafka's own tools")
    .argument('<tool>', KAFKA_TOOLS.join(', '))
    .argument('[args...]', 'arguments of the tool')
    .option('--kafka <host:port>', 'brokers, unless the arguments set others', DEFAULT_BROKERS)
    .passThroughOptions()
    .addHelpText(
      'after',
      `
Examples:
  sagafleet kafka topics --list
  sagafleet kafka console-consumer --topic order_paid --from-beginning
  sagafleet kafka consumer-groups --describe --group default.payment
`,
    )
    .action(async (name: string, args: string[], options: { kafka: string }) => {
      const java = await findJava(io.env);
      const onProgress = (text: string) => void io.stderr.write(`${text}\n`);
      const tools = await prepareKafka({ env: io.env, java, onProgress, cacheDir: defaultCacheDir(io.env) });
      exit(await runKafkaTool(tools, { name, args, brokers: options.kafka }));
    });
}

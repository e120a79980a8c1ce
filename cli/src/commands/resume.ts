import { KafkaAdmin } from '@sagafleet/kafka';
import { plainConnection } from '@sagafleet/local';
import { decodeNote, DEFAULT_NAMESPACE, resumeGroupOf } from '@sagafleet/schemas';
import { Command } from 'commander';
import { DEFAULT_BROKERS, KAFKA_OPTIONS } from '../connections.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import type { Io } from '../terminal/io.ts';

interface Options {
  kafka: string;
  namespace: string;
  group?: string;
}

export function resumeCommand(io: Io, exit: (code: number) => void): Command {
  return new Command('resume')
    .description('resume the tasks of a step that stopped after too many consecutive dead letters')
    .argument('<step>', 'name of the SagaStep')
    .option('--namespace <name>', 'namespace of the step', DEFAULT_NAMESPACE)
    .option('--group <id>', 'consumer group of the step; default {namespace}.{step}')
    .option('--kafka <host:port>', 'brokers, separated by commas', DEFAULT_BROKERS)
    .addHelpText(
      'after',
      `
The records behind the stop are processed as they come, and stop the task again after as many dead letters. A step whose
manifest is changed goes on by itself.

Examples:
  sagafleet resume payment
  sagafleet resume payment --namespace shop --kafka broker:9092
`,
    )
    .action(async (step: string, options: Options) => {
      const group = options.group ?? `${options.namespace}.${step}`;
      const admin = new KafkaAdmin(plainConnection(options.kafka), KAFKA_OPTIONS);
      await admin.connect();
      try {
        const stopped = (await admin.notedOffsets(group)).flatMap(({ topic, partition, offset, note }) =>
          offset !== null && decodeNote(note)?.kind === 'stopped' ? [{ topic, partition, offset }] : [],
        );
        if (stopped.length === 0) {
          io.stderr.write(`no task of group ${group} is stopped\n`);
          exit(EXIT.problems);
          return;
        }
        await admin.commitOffsets(resumeGroupOf(group), stopped);
        for (const { topic, partition, offset } of stopped) io.stdout.write(`${topic}/${partition} goes on from offset ${offset}\n`);
      } finally {
        await admin.close();
      }
    });
}

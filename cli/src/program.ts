import { Command, CommanderError } from 'commander';
import { demoCommand } from './commands/demo.ts';
import { devCommand } from './commands/dev.ts';
import { kafkaCommand } from './commands/kafka.ts';
import { renderCommand } from './commands/render.ts';
import { resumeCommand } from './commands/resume.ts';
import { sendCommand } from './commands/send.ts';
import { timelineCommand } from './commands/timeline.ts';
import { validateCommand } from './commands/validate.ts';
import { ManifestProblems } from './manifests/load-steps.ts';
import { schemaLookUp } from './schema-look-up.ts';
import { causesOf } from './terminal/error-text.ts';
import { EXIT } from './terminal/exit-codes.ts';
import type { Io } from './terminal/io.ts';

const VERSION = '0.1.0';

/** Runs one command line. @returns the exit code */
export async function run(args: readonly string[], io: Io): Promise<number> {
  let code: number = EXIT.ok;
  const program = createProgram(io, (ended) => {
    code = ended;
  });
  try {
    await program.parseAsync(args, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
    io.stderr.write(`${causesOf(error)}\n`);
    return error instanceof ManifestProblems ? EXIT.problems : EXIT.outside;
  }
}

export function createProgram(io: Io, exit: (code: number) => void): Command {
  const program = new Command('sagafleet')
    .description('business processes as Kafka choreographies')
    .version(VERSION)
    .enablePositionalOptions()
    .addHelpText(
      'after',
      `
Exit codes: ${EXIT.ok} done, ${EXIT.problems} check failed, ${EXIT.usage} invalid command line, ${EXIT.outside} a dependency is missing or failed

Examples:
  sagafleet dev examples/order
  sagafleet validate examples/order
  sagafleet timeline order-42
`,
    );
  const commands = [
    devCommand(io),
    validateCommand({ io, exit, connectRegistry: schemaLookUp }),
    renderCommand(io),
    sendCommand(io),
    timelineCommand(io, exit),
    resumeCommand(io, exit),
    kafkaCommand(io, exit),
    demoCommand(io, exit),
  ];
  for (const command of commands) program.addCommand(command);
  for (const each of [program, ...commands]) {
    each.exitOverride().configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: (text) => void io.stderr.write(text) });
    each.showHelpAfterError(`(sagafleet ${each === program ? '' : `${each.name()} `}--help shows more)`);
  }
  return program;
}

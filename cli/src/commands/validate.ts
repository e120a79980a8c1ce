import { type CheckFacts, subjectKey, subjectsOf, type SubjectVersion } from '@sagafleet/operator';
import { Command, Option } from 'commander';
import { type Diagnostic, formatDiagnostic } from '../manifests/diagnostic.ts';
import { checkManifests, loadManifests, type LoadedManifests, stepsOf } from '../manifests/load.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import type { Io } from '../terminal/io.ts';

/** Avro schema as parsed JSON, and what keeps it from being read or written with. */
export interface LookedUp {
  schema: unknown;
  misfit: string | null;
}
/** Null for what the registry does not hold; throws if it cannot be asked. */
export type LookUpSchema = (subject: SubjectVersion) => Promise<LookedUp | null>;

export interface ValidateParts {
  io: Io;
  exit: (code: number) => void;
  /** `url` as given by the user. */
  connectRegistry: (url: string) => LookUpSchema;
}

interface Flags {
  registry?: string;
  output: 'text' | 'json';
}

export function validateCommand({ io, exit, connectRegistry }: ValidateParts): Command {
  return new Command('validate')
    .description('validate SagaSteps: fields and rules as in a cluster, expressions, topics, and how steps fit together')
    .argument('<path...>', 'files, or folders with *.yaml and *.yml')
    .option('--registry <url>', 'also check fields of events whose schema is in this registry')
    .addOption(new Option('--output <form>', 'output format').choices(['text', 'json']).default('text'))
    .addHelpText(
      'after',
      `
Without a registry, fields are checked only where the manifests contain the schema.

Exit codes: ${EXIT.ok} no problem, ${EXIT.problems} problems found, ${EXIT.usage} wrong command line, ${EXIT.outside} the registry did not answer

Examples:
  sagafleet validate examples/order
  sagafleet validate payment.yaml shipping.yaml --registry http://localhost:8081
  sagafleet validate steps --output json
`,
    )
    .action(async (paths: string[], flags: Flags) => {
      const loaded = await loadManifests(paths, io.cwd);
      const facts = flags.registry === undefined ? {} : await lookUpAll(loaded, connectRegistry(flags.registry));
      const diagnostics = checkManifests(loaded, facts);
      const write = flags.output === 'json' ? writeJson : writeText;
      write(diagnostics, loaded, io);
      exit(diagnostics.some(({ severity }) => severity === 'error') ? EXIT.problems : EXIT.ok);
    });
}

async function lookUpAll(loaded: LoadedManifests, lookUp: LookUpSchema): Promise<CheckFacts> {
  const schemas = new Map<string, unknown>();
  const misfits = new Map<string, string>();
  await Promise.all(
    subjectsOf(stepsOf(loaded)).map(async (subject) => {
      const found = await lookUp(subject);
      if (found) schemas.set(subjectKey(subject), found.schema);
      if (found?.misfit) misfits.set(subjectKey(subject), found.misfit);
    }),
  );
  return { schemas, misfits };
}

function writeText(diagnostics: readonly Diagnostic[], { manifests, skipped }: LoadedManifests, io: Io): void {
  for (const diagnostic of diagnostics) io.stdout.write(`${formatDiagnostic(diagnostic, io.isTerminal)}\n\n`);
  for (const { file, kind } of skipped) io.stdout.write(`${file}: ${kind} skipped, not a SagaStep\n`);
  const count = (severity: Diagnostic['severity']): number => diagnostics.filter((each) => each.severity === severity).length;
  const parts = [plural(count('error'), 'error'), plural(count('warning'), 'warning')].filter((part) => part !== null);
  io.stdout.write(`${plural(manifests.length, 'step') ?? 'no step'}: ${parts.join(', ') || 'no problems'}\n`);
}

function plural(count: number, noun: string): string | null {
  return count === 0 ? null : `${count} ${noun}${count === 1 ? '' : 's'}`;
}

function writeJson(diagnostics: readonly Diagnostic[], { manifests, skipped }: LoadedManifests, io: Io): void {
  const problems = diagnostics.map(({ place, ...rest }) => ({ ...rest, line: place?.line ?? null, column: place?.column ?? null }));
  io.stdout.write(`${JSON.stringify({ steps: manifests.length, problems, skipped }, null, 2)}\n`);
}

import { LOCAL_MAPPING, type Session, untilReady } from '@sagafleet/local';
import type { SagaStep } from '@sagafleet/schemas';
import { Command } from 'commander';
import { CliError } from '../errors.ts';
import { loadSteps } from '../manifests/load-steps.ts';
import { watchManifests } from '../manifests/watch-manifests.ts';
import { runSession } from '../session/run-session.ts';
import { toSessionOptions, withSessionOptions, type SessionFlags } from '../session/session-options.ts';
import type { Io } from '../terminal/io.ts';
import { colorsFor, Progress, table } from '../terminal/terminal.ts';

type Flags = SessionFlags & { verbose?: boolean };

export function devCommand(io: Io): Command {
  const command = new Command('dev')
    .description('run the steps of a folder on this machine, with a real Kafka, a real registry and one process per worker')
    .argument('<path...>', 'files or folders with SagaSteps; watched, and only the steps that changed are restarted')
    .option('--verbose', 'show all log lines of the workers, not only warnings and errors')
    .addHelpText(
      'after',
      `
What differs from a cluster:
${LOCAL_MAPPING.map((line) => `  ${line}`).join('\n')}

Examples:
  sagafleet dev examples/order
  sagafleet dev . --data .sagafleet --replicas payment=3
  sagafleet dev . --kafka broker:9092 --registry http://registry:8081
`,
    );
  return withSessionOptions(command).action(async (paths: string[], flags: Flags) => {
    const progress = new Progress(io);
    const steps = await loadSteps(paths, io);
    refuseUnknownReplicas(flags, steps);
    const screen = { io, progress, logLevel: flags.verbose ? 'debug' : 'warn', prefix: (step: string) => `${step.padEnd(12)} | ` };
    await runSession(steps, toSessionOptions(flags), screen, async (session, stopped) => {
      if (await isStoppedBeforeReady(session, stopped, progress)) return;
      progress.end();
      io.stdout.write(`${addressBlock(session, steps, io).join('\n')}\n`);
      const watching = watchManifests(paths, io.cwd, () => reload(paths, { session, progress, io }));
      // What was changed while everything started
      await reload(paths, { session, progress, io });
      await stopped.finally(() => watching.close());
    });
  });
}

/** A step that cannot run is shown, and mended in its file while the others run. */
async function isStoppedBeforeReady(session: Session, stopped: Promise<undefined>, progress: Progress): Promise<boolean> {
  let isStopped = false;
  const ready = untilReady(session).catch((error: Error) => {
    if (!isStopped) progress.line(error.message);
  });
  isStopped = await Promise.race([ready.then(() => false), stopped.then(() => true)]);
  return isStopped;
}

function refuseUnknownReplicas({ replicas }: Flags, steps: readonly SagaStep[]): void {
  const names = steps.map(({ metadata }) => metadata.name);
  const unknown = [...replicas.keys()].find((name) => !names.includes(name));
  if (unknown) throw new CliError('unknown-step', `--replicas names ${unknown}, the steps are ${names.join(', ')}`);
}

function addressBlock({ platform, fleet }: Session, steps: readonly SagaStep[], io: Io): string[] {
  const { bold } = colorsFor(io);
  const addresses = [
    ['kafka', platform.brokers],
    ['registry', `${platform.registryUrl}/subjects`],
  ];
  for (const {
    metadata: { name },
    spec,
  } of steps) {
    if (spec.ingress) addresses.push([name, `POST http://localhost:${fleet.ingressPortOf(name)}${spec.ingress.http.path}`]);
  }
  addresses.push(['logs', platform.logsDir]);
  return [
    bold('addresses'),
    ...table(addresses),
    '',
    bold('steps'),
    ...table(steps.map((step) => [step.metadata.name, flowOf(step)])),
    '',
    'running; changed files are applied, Ctrl-C ends everything',
  ];
}

function flowOf({ spec }: SagaStep): string {
  const inputs = spec.ingress ? `POST ${spec.ingress.http.path}` : (spec.consumes ?? []).map(({ topic }) => topic).join(', ');
  const outputs = [...new Set(Object.values(spec.outcomes).flatMap(({ emit = [] }) => emit.map(({ topic }) => topic)))];
  return `${inputs} → ${outputs.join(', ') || 'nothing'}`;
}

/** Mistakes in a changed file are shown and the running version stays. */
async function reload(
  paths: readonly string[],
  { session, progress, io }: { session: Session; progress: Progress; io: Io },
): Promise<void> {
  try {
    const changed = await session.apply(await loadSteps(paths, io));
    if (changed.length > 0) progress.line(`restarted ${changed.join(', ')}`);
  } catch (error) {
    progress.line(`${(error as Error).message}\nnot applied, the running version stays`);
  }
}

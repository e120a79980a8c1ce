/** Platform and fleet of one folder of manifests, from the first check to the last process gone. */
import type { Reconciler } from '@sagafleet/operator';
import type { SagaStep } from '@sagafleet/schemas';
import type { Environment } from './environment.ts';
import { LocalError } from './errors.ts';
import { startPlatform, type Platform } from './platform/platform.ts';
import { Fleet } from './pods/fleet.ts';
import { Generations } from './pods/generations.ts';
import type { Pod } from './pods/pod.ts';
import { workerProgram } from './pods/worker-program.ts';
import { describeExit, type ProgramExit } from './processes/child-program.ts';
import { openReconciler } from './reconcile.ts';
import { stepReporter } from './step-reporter.ts';

const READY_DEADLINE_MS = 60_000;

export interface SessionOptions {
  data?: string;
  kafka?: string;
  registry?: string;
  kafkaPort?: number;
  registryPort?: number;
  ingressPort: number;
  replicas: ReadonlyMap<string, number>;
}

export interface SessionReporter {
  progress(text: string): void;
  /** Something happened to a step that its owner wants to know. */
  notice(step: string, text: string): void;
  /** Kafka or the registry ended by itself: nothing can go on. */
  crashed(error: LocalError): void;
  /** One line of a worker's log. */
  logLine(pod: Pod, line: string): void;
}

export interface Session {
  platform: Platform;
  fleet: Fleet;
  reconciler: Reconciler;
  /** These steps and no others from now on. Returns the names of those that were (re)started. */
  apply(steps: readonly SagaStep[]): Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts everything; workers may not be ready yet. What it started is stopped again where it fails. */
export async function startSession(
  steps: readonly SagaStep[],
  options: SessionOptions,
  { env, reporter }: { env: Environment; reporter: SessionReporter },
): Promise<Session> {
  const platform = await startPlatform({
    env,
    ...defined({
      dataDir: options.data,
      brokers: options.kafka,
      registryUrl: options.registry,
      kafkaPort: options.kafkaPort,
      registryPort: options.registryPort,
    }),
    onProgress: reporter.progress,
    onCrash: reporter.crashed,
  });
  const undo = [platform.stop];
  const stop = async () => {
    for (const each of undo.toReversed()) await each();
  };
  try {
    reporter.progress('creating topics, schemas and offsets');
    const { fleet, reconciler, stop: stopWorkers } = await openFleet(platform, options, { env, reporter });
    undo.push(stopWorkers);
    const generations = new Generations();
    const apply = (wanted: readonly SagaStep[]) => reconciler.apply(generations.number(wanted));
    const { errors } = await apply(steps);
    if (errors[0]) throw errors[0];
    return { platform, fleet, reconciler, stop, apply: async (wanted) => (await apply(wanted)).changed.map(({ name }) => name) };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits until every worker is ready. @throws LocalError `not-ready` naming those that are not, and their logs */
export async function untilReady({ fleet }: Session): Promise<void> {
  const signal = AbortSignal.timeout(READY_DEADLINE_MS);
  const answers = await Promise.all(
    fleet.runners.map(async (runner) => {
      const isReady = await runner.untilReady(signal);
      return isReady ? [] : [`${runner.pod.name} (${runner.logFile})`];
    }),
  );
  const late = answers.flat();
  if (late.length > 0)
    throw new LocalError('not-ready', `not ready after ${READY_DEADLINE_MS / 1_000} s: ${late.join(', ')}; their logs say why`);
}

/** The reconcile, with processes as its workloads. */
async function openFleet(
  platform: Platform,
  options: SessionOptions,
  context: { env: Environment; reporter: SessionReporter },
): Promise<{ fleet: Fleet; reconciler: Reconciler; stop(): Promise<void> }> {
  let observe = () => {};
  const fleet = createFleet(platform, options, { ...context, onWorkload: () => observe() });
  const { reconciler, stop } = await openReconciler({
    brokers: platform.brokers,
    registryUrl: platform.registryUrl,
    isKafkaOwn: platform.kafka !== undefined,
    applier: fleet,
    reporter: stepReporter((step, text) => context.reporter.notice(step, text)),
  });
  observe = () => void reconciler.observe().catch((error: Error) => context.reporter.notice('', error.message));
  return {
    fleet,
    reconciler,
    stop: async () => {
      reconciler.stop();
      await fleet.stop();
      await stop();
    },
  };
}

function createFleet(
  platform: Platform,
  options: SessionOptions,
  { env, reporter, onWorkload }: { env: Environment; reporter: SessionReporter; onWorkload(): void },
): Fleet {
  return new Fleet({
    dataDir: platform.dataDir,
    logsDir: platform.logsDir,
    program: workerProgram(env),
    ingressPort: options.ingressPort,
    replicas: options.replicas,
    onLine: (pod, line) => reporter.logLine(pod, line),
    onExit: (pod: Pod, exit: ProgramExit, restartMs: number) =>
      reporter.notice(pod.step, `${pod.name} ${describeExit(exit)}, starting it again in ${restartMs / 1_000} s${sessionHint(exit)}`),
    onWorkload,
  });
}

/** A worker that could not leave its group is missed only when its session times out. */
function sessionHint({ signal }: ProgramExit): string {
  return signal === 'SIGKILL' ? '; its partitions are reassigned when its session expires, in about 10 s' : '';
}

type Defined<T> = { [Key in keyof T]?: Exclude<T[Key], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

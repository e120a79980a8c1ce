/** Platform and fleet of one folder of manifests, from the first check to the last process gone. */
import type { SagaStep } from '@sagafleet/schemas';
import type { Environment } from './environment.ts';
import { LocalError } from './errors.ts';
import { startPlatform, type Platform } from './platform/platform.ts';
import { Fleet } from './pods/fleet.ts';
import { localValues } from './pods/local-values.ts';
import type { Pod } from './pods/pod.ts';
import { workerProgram } from './pods/worker-program.ts';
import { describeExit, type ProgramExit } from './processes/child-program.ts';

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
  const fleet = createFleet(platform, options, { env, reporter });
  const stop = async () => {
    await fleet.stop();
    await platform.stop();
  };
  try {
    reporter.progress('creating topics, schemas and offsets');
    await fleet.connect();
    await fleet.apply(steps);
    return { platform, fleet, stop };
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

function createFleet(
  platform: Platform,
  options: SessionOptions,
  { env, reporter }: { env: Environment; reporter: SessionReporter },
): Fleet {
  return new Fleet({
    brokers: platform.brokers,
    registryUrl: platform.registryUrl,
    dataDir: platform.dataDir,
    logsDir: platform.logsDir,
    program: workerProgram(env),
    isKafkaOwn: platform.kafka !== undefined,
    ingressPort: options.ingressPort,
    replicas: options.replicas,
    values: localValues,
    onLine: (pod, line) => reporter.logLine(pod, line),
    onExit: (pod: Pod, exit: ProgramExit, restartMs: number) =>
      reporter.notice(pod.step, `${pod.name} ${describeExit(exit)}, starting it again in ${restartMs / 1_000} s${sessionHint(exit)}`),
    onProvision: (step, kind, text) => {
      if (kind !== 'done') reporter.notice(step, text);
    },
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

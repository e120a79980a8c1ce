/** The workloads of steps as processes of this machine. What is to run, and when, is decided by the reconcile. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { AppliedChange, StepPlan, StepRef, Workload, WorkloadApplier } from '@sagafleet/operator';
import type { ProgramExit } from '../processes/child-program.ts';
import { findFreePort, requireFreePort } from '../processes/ports.ts';
import { PodRunner, type WorkerProgram } from './pod-runner.ts';
import { toPod, type ConfigMap, type Deployment, type Pod } from './pod.ts';

const READY_PROBE_MS = 500;

export interface FleetOptions {
  dataDir: string;
  logsDir: string;
  program: WorkerProgram;
  /** First port for steps with an ingress; the next one gets the next port. */
  ingressPort: number;
  /** Replicas by step, where not one. */
  replicas: ReadonlyMap<string, number>;
  onLine(pod: Pod, line: string): void;
  onExit(pod: Pod, exit: ProgramExit, restartMs: number): void;
  /** A worker became ready, or ended. */
  onWorkload(): void;
}

interface RunningStep {
  fingerprint: string;
  runners: PodRunner[];
}
interface Placement {
  pod: Pod;
  folder: string;
}

export class Fleet implements WorkloadApplier {
  readonly #options: FleetOptions;
  readonly #running = new Map<string, RunningStep>();
  readonly #ingressPorts = new Map<string, number>();
  readonly #drawnPorts = new Set<number>();
  readonly #stopping = new AbortController();

  constructor(options: FleetOptions) {
    this.#options = options;
  }

  get runners(): PodRunner[] {
    return [...this.#running.values()].flatMap(({ runners }) => runners);
  }

  /** Port of a step's ingress on 127.0.0.1; undefined for a step without one. */
  ingressPortOf(step: string): number | undefined {
    return this.#ingressPorts.get(step);
  }

  /** @throws LocalError where this machine cannot run the plan; the previous processes keep running then */
  async apply(plan: StepPlan): Promise<AppliedChange> {
    const { name } = plan.step.metadata;
    const previous = this.#running.get(name);
    if (previous?.fingerprint === fingerprintOf(plan)) return 'Unchanged';
    const placements = await this.#place(plan);
    await this.#stopStep(name);
    if (this.#stopping.signal.aborted) return 'Unchanged';
    this.#running.set(name, { fingerprint: fingerprintOf(plan), runners: placements.map((placement) => this.#start(placement)) });
    return previous ? 'Restarted' : 'Started';
  }

  async remove({ name }: StepRef): Promise<void> {
    await this.#stopStep(name);
  }

  async workloadOf({ name }: StepRef): Promise<Workload> {
    const runners = this.#running.get(name)?.runners ?? [];
    const answers = await Promise.all(runners.map((runner) => runner.isReady()));
    return { replicas: runners.length, ready: answers.filter((isReady) => isReady).length };
  }

  /** Stops all workers, each within its grace period. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([...this.#running.keys()].map((name) => this.#stopStep(name)));
  }

  #start({ pod, folder }: Placement): PodRunner {
    rmSync(folder, { recursive: true, force: true });
    const runner: PodRunner = new PodRunner(pod, {
      ...this.#options,
      freePort: () => this.#freePort(),
      onExit: (...ended) => {
        this.#options.onExit(...ended);
        this.#options.onWorkload();
        this.#watch(runner);
      },
    });
    this.#watch(runner);
    return runner;
  }

  #watch(runner: PodRunner): void {
    void runner.untilReady(this.#stopping.signal, READY_PROBE_MS).then((isReady) => {
      if (isReady) this.#options.onWorkload();
    });
  }

  async #place(plan: StepPlan): Promise<Placement[]> {
    const { name } = plan.step.metadata;
    const deployment = plan.objects.find(({ kind }) => kind === 'Deployment') as unknown as Deployment;
    const configMaps = plan.objects.filter(({ kind }) => kind === 'ConfigMap') as unknown as ConfigMap[];
    const count = plan.step.spec.suspend ? 0 : (this.#options.replicas.get(name) ?? 1);
    const placements: Placement[] = [];
    for (let replica = 0; replica < count; replica++) {
      const folder = join(this.#options.dataDir, 'pods', `${deployment.metadata.name}-${replica}`);
      const ingressPort = await this.#ingressPort(plan, replica);
      placements.push({ pod: toPod(deployment, configMaps, { step: name, replica, folder, ingressPort }), folder });
    }
    return placements;
  }

  /** Never the same twice: the worker that was given the first may not listen yet. */
  async #freePort(): Promise<number> {
    let port = await findFreePort();
    while (this.#drawnPorts.has(port)) port = await findFreePort();
    this.#drawnPorts.add(port);
    return port;
  }

  /** The first replica of each step with an ingress keeps its port over restarts. */
  async #ingressPort(plan: StepPlan, replica: number): Promise<number> {
    const {
      metadata: { name },
      spec,
    } = plan.step;
    if (!spec.ingress || replica > 0) return this.#freePort();
    const known = this.#ingressPorts.get(name);
    if (known !== undefined) return known;
    const taken = new Set(this.#ingressPorts.values());
    let port = this.#options.ingressPort;
    while (taken.has(port)) port++;
    // Steps are applied side by side: the port is taken before it is looked at
    this.#ingressPorts.set(name, port);
    await requireFreePort(port, `the ingress of step ${name}`, 'choose another one with --ingress-port').catch((error: unknown) => {
      this.#ingressPorts.delete(name);
      throw error;
    });
    return port;
  }

  async #stopStep(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    await Promise.all(running?.runners.map((runner) => runner.stop()) ?? []);
  }
}

/** Same objects, same workers: only what a worker is started from counts. */
function fingerprintOf({ objects }: StepPlan): string {
  return JSON.stringify(objects.filter(({ kind }) => kind === 'Deployment' || kind === 'ConfigMap'));
}

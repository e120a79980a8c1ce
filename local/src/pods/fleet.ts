/** The steps of a folder as processes: the operator's rendering and provisioning, without a cluster. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { KafkaAdmin } from '@sagafleet/kafka';
import { desiredOf, findingOf, provisionStep, type Facts, type OperatorValues, type StepPlan, type StepReport } from '@sagafleet/operator';
import { RegistryClient } from '@sagafleet/registry';
import type { SagaStep } from '@sagafleet/schemas';
import { plainConnection } from '../platform/connection.ts';
import type { ProgramExit } from '../processes/child-program.ts';
import { findFreePort, requireFreePort } from '../processes/ports.ts';
import { PodRunner, type WorkerProgram } from './pod-runner.ts';
import { toPod, type ConfigMap, type Deployment, type Pod } from './pod.ts';

const PROVISION_PATIENCE_MS = 30_000;
const RETRY_PENDING_MS = 1_000;

export interface FleetOptions {
  brokers: string;
  registryUrl: string;
  dataDir: string;
  logsDir: string;
  program: WorkerProgram;
  /** A Kafka that holds nothing but what is made here: inputs that no step emits are made as well. */
  isKafkaOwn: boolean;
  /** First port for steps with an ingress; the next one gets the next port. */
  ingressPort: number;
  /** Replicas by step, where not one. */
  replicas: ReadonlyMap<string, number>;
  values(brokers: string, registryUrl: string): OperatorValues;
  onLine(pod: Pod, line: string): void;
  onExit(pod: Pod, exit: ProgramExit, restartMs: number): void;
  /** What was provisioned, what waits, what was refused; each text once. */
  onProvision(step: string, kind: 'done' | 'pending' | 'problem' | 'warning', text: string): void;
}

/** Plans of some steps; what topics take is known only when they are provisioned. */
type Planner = (topicLimits: TopicLimits) => StepPlan[];
type TopicLimits = NonNullable<Facts['topicLimits']>;
interface RunningStep {
  fingerprint: string;
  runners: PodRunner[];
}

export class Fleet {
  readonly #options: FleetOptions;
  readonly #admin: KafkaAdmin;
  readonly #registry: RegistryClient;
  readonly #running = new Map<string, RunningStep>();
  readonly #ingressPorts = new Map<string, number>();
  readonly #drawnPorts = new Set<number>();
  readonly #told = new Set<string>();
  /** Of the last apply; what waited for those before is not wanted any more. */
  #plan: Planner = () => [];
  /** As provisioning reported it last. */
  #topicLimits: TopicLimits = {};
  /** Steps that were refused something: the version that runs stays. */
  #refused: ReadonlySet<string> = new Set();
  #rollingOut: Promise<unknown> = Promise.resolve();
  #retry: NodeJS.Timeout | null = null;
  #isStopped = false;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#admin = new KafkaAdmin(plainConnection(options.brokers), { log: () => {}, level: 'error', patienceMs: PROVISION_PATIENCE_MS });
    this.#registry = new RegistryClient({ url: options.registryUrl });
  }

  async connect(): Promise<void> {
    await this.#admin.connect();
  }

  get runners(): PodRunner[] {
    return [...this.#running.values()].flatMap(({ runners }) => runners);
  }

  /** Port of a step's ingress on 127.0.0.1; undefined for a step without one. */
  ingressPortOf(step: string): number | undefined {
    return this.#ingressPorts.get(step);
  }

  /**
   * Provisions all steps, then starts, restarts or stops what differs. Returns the names of steps that were
   * (re)started. What was refused or has to wait is tried again.
   */
  async apply(steps: readonly SagaStep[]): Promise<string[]> {
    const plan = await this.#planner(steps);
    const plans = plan({});
    this.#plan = plan;
    if (this.#options.isKafkaOwn) await this.#createForeignInputs(plans);
    return this.#rollOut();
  }

  /** Stops all workers, each within its grace period. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    if (this.#retry) clearTimeout(this.#retry);
    await Promise.all([...this.#running.keys()].map((name) => this.#stopStep(name)));
    await this.#admin.close();
  }

  async #planner(steps: readonly SagaStep[]): Promise<Planner> {
    const values = this.#options.values(this.#options.brokers, this.#options.registryUrl);
    const topics = await this.#admin.describeTopics();
    const facts = { topics, steps: [...steps], hasKeda: false, hasStrimzi: false };
    return (topicLimits) => steps.map((step) => desiredOf(step, values, { ...facts, topicLimits }));
  }

  /** In a cluster they are somebody else's and there before the step. */
  async #createForeignInputs(plans: readonly StepPlan[]): Promise<void> {
    const own = new Set(plans.flatMap(({ needs }) => needs.topics.map(({ name }) => name)));
    const foreign = plans.flatMap(({ resolved }) => resolved.inputs).filter(({ topic }) => !own.has(topic));
    const topics = new Map(foreign.map(({ topic, partitions }) => [topic, { name: topic, partitions, replicationFactor: 1, config: {} }]));
    if (topics.size > 0) await this.#admin.createTopics([...topics.values()]);
  }

  /** One at a time: two that find the same thing missing would both make it. */
  #rollOut(): Promise<string[]> {
    const rollOut = async () => {
      await this.#provisionAll(this.#plan({}));
      return this.#run(this.#plan(this.#topicLimits));
    };
    const rolledOut = this.#rollingOut.then(rollOut, rollOut);
    this.#rollingOut = rolledOut;
    return rolledOut;
  }

  async #run(plans: readonly StepPlan[]): Promise<string[]> {
    const gone = [...this.#running.keys()].filter((name) => !plans.some(({ step }) => step.metadata.name === name));
    await Promise.all(gone.map((name) => this.#stopStep(name)));
    const accepted = plans.filter(({ step }) => !this.#refused.has(step.metadata.name));
    const changed = accepted.filter((plan) => this.#running.get(plan.step.metadata.name)?.fingerprint !== fingerprintOf(plan));
    await Promise.all(changed.map((plan) => this.#startStep(plan)));
    return changed.map(({ step }) => step.metadata.name);
  }

  /** Schemas of one step may come from another's, so it goes round until a round does nothing new. */
  async #provisionAll(plans: readonly StepPlan[]): Promise<void> {
    for (let round = 0; round <= plans.length; round++) {
      const reports = await this.#provisionOnce(plans);
      const isSettled = [...reports.values()].every(({ done }) => done.length === 0);
      if (!isSettled && round < plans.length) continue;
      for (const [step, { pending, problems, warnings }] of reports) {
        this.#tell(
          step,
          pending.map(({ message }) => message),
          'pending',
        );
        this.#tell(step, warnings, 'warning');
        const meanwhile = this.#running.has(step) ? 'until then the version before runs on' : 'until then it is not started';
        this.#tell(
          step,
          problems.map(({ message }) => `${message}; ${meanwhile}`),
          'problem',
        );
      }
      this.#refused = new Set([...reports].filter(([, { problems }]) => problems.length > 0).map(([step]) => step));
      if ([...reports.values()].some(({ pending, problems }) => pending.length + problems.length > 0)) this.#retryLater();
      return;
    }
  }

  async #provisionOnce(plans: readonly StepPlan[]): Promise<Map<string, StepReport>> {
    const reports = new Map<string, StepReport>();
    for (const { step, needs } of plans) {
      const report = await provisionStep(needs, { admin: this.#admin, registry: this.#registry }).catch(pendingUnlessDefect);
      this.#tell(step.metadata.name, report.done, 'done');
      this.#topicLimits = { ...this.#topicLimits, ...report.topicLimits };
      reports.set(step.metadata.name, report);
    }
    return reports;
  }

  #retryLater(): void {
    if (this.#retry || this.#isStopped) return;
    this.#retry = setTimeout(() => {
      this.#retry = null;
      this.#rollOut().catch((error: unknown) => {
        this.#tell('', [(error as Error).message], 'problem');
        this.#retryLater();
      });
    }, RETRY_PENDING_MS);
  }

  #tell(step: string, texts: readonly string[], kind: 'done' | 'pending' | 'problem' | 'warning'): void {
    for (const text of texts) {
      if (kind !== 'done' && this.#told.has(text)) continue;
      this.#told.add(text);
      this.#options.onProvision(step, kind, text);
    }
  }

  async #startStep(plan: StepPlan): Promise<void> {
    const { name } = plan.step.metadata;
    await this.#stopStep(name);
    const runners: PodRunner[] = [];
    const pods = await this.#podsOf(plan);
    if (this.#isStopped) return;
    for (const pod of pods) runners.push(new PodRunner(pod, { ...this.#options, freePort: () => this.#freePort() }));
    this.#running.set(name, { fingerprint: fingerprintOf(plan), runners });
  }

  async #podsOf(plan: StepPlan): Promise<Pod[]> {
    const { name } = plan.step.metadata;
    const deployment = plan.objects.find(({ kind }) => kind === 'Deployment') as unknown as Deployment;
    const configMaps = plan.objects.filter(({ kind }) => kind === 'ConfigMap') as unknown as ConfigMap[];
    const count = plan.step.spec.suspend ? 0 : (this.#options.replicas.get(name) ?? 1);
    const pods: Pod[] = [];
    for (let replica = 0; replica < count; replica++) {
      const folder = join(this.#options.dataDir, 'pods', `${deployment.metadata.name}-${replica}`);
      rmSync(folder, { recursive: true, force: true });
      const ingressPort = await this.#ingressPort(plan, replica);
      pods.push(toPod(deployment, configMaps, { step: name, replica, folder, ingressPort }));
    }
    return pods;
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
    const port = this.#options.ingressPort + this.#ingressPorts.size;
    await requireFreePort(port, `the ingress of step ${name}`, 'choose another one with --ingress-port');
    this.#ingressPorts.set(name, port);
    return port;
  }

  async #stopStep(name: string): Promise<void> {
    const running = this.#running.get(name);
    this.#running.delete(name);
    await Promise.all(running?.runners.map((runner) => runner.stop()) ?? []);
  }
}

/** A registry or broker that is away may come back: what it was needed for is tried again. */
function pendingUnlessDefect(error: unknown): StepReport {
  return { done: [], pending: [findingOf(error)], problems: [], warnings: [], topicLimits: {} };
}

/** Same objects, same workers: only what a worker is started from counts. */
function fingerprintOf({ objects }: StepPlan): string {
  return JSON.stringify(objects.filter(({ kind }) => kind === 'Deployment' || kind === 'ConfigMap'));
}

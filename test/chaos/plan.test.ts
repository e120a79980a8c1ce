import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  FAULT_KINDS,
  hitsAll,
  isBrokerFault,
  isIngressFault,
  isMarkerFault,
  isOutputLeaderFault,
  planFaults,
  WORKER_FAULTS,
  type Fault,
  type FaultKind,
  type PlanOptions,
} from './plan.ts';

const OPTIONS: PlanOptions = {
  seed: 1,
  durationMs: 240_000,
  faults: 30,
  brokers: 3,
  workers: 3,
  sessionTimeoutMs: 6_000,
  outputReplication: 1,
  ingredients: { guarantee: 'ExactlyOnce', hasIngress: true },
};

const anyOptions = fc.record({
  seed: fc.integer(),
  durationMs: fc.integer({ min: 10_000, max: 600_000 }),
  faults: fc.integer({ min: 1, max: 100 }),
  brokers: fc.constantFrom(1, 3),
  workers: fc.integer({ min: 3, max: 5 }),
  sessionTimeoutMs: fc.constant(6_000),
  outputReplication: fc.constantFrom(1, 3),
  ingredients: fc.record({ guarantee: fc.constantFrom('ExactlyOnce', 'AtLeastOnce'), hasIngress: fc.boolean() }),
});

const isOneOf =
  (kinds: readonly FaultKind[]) =>
  ({ kind }: Pick<Fault, 'kind'>) =>
    kinds.includes(kind);

function forEveryPlan(check: (faults: Fault[], options: PlanOptions) => void): void {
  fc.assert(fc.property(anyOptions, (options) => check(planFaults(options), options)));
}

test('the same seed gives the same faults, another one others', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(planFaults({ ...OPTIONS, seed })).toEqual(planFaults({ ...OPTIONS, seed }));
      expect(planFaults({ ...OPTIONS, seed })).not.toEqual(planFaults({ ...OPTIONS, seed: seed + 1 }));
    }),
  );
});

test('as many as asked for, in order of time', () => {
  forEveryPlan((faults, options) => {
    expect(faults).toHaveLength(options.faults);
    expect(faults.map(({ atMs }) => atMs)).toEqual(faults.map(({ atMs }) => atMs).toSorted((a, b) => a - b));
  });
});

test('every kind comes, none far more often than others', () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const faults = planFaults({ ...OPTIONS, seed });
      expect(new Set(faults.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
      const counts = [...Map.groupBy(faults, ({ kind }) => kind).values()].map(({ length }) => length);
      expect(Math.max(...counts)).toBeLessThanOrEqual(5);
    }),
  );
});

test('only kinds that are wanted', () => {
  const kinds = ['worker-kill', 'broker-kill'] as const;
  expect(planFaults({ ...OPTIONS, kinds }).every(isOneOf(kinds))).toBe(true);
});

test('the leader of an output is killed only where there is no other replica, and other brokers are left', () => {
  forEveryPlan((faults, { brokers, outputReplication }) => {
    if (faults.some(({ kind }) => isOutputLeaderFault(kind))) expect([brokers, outputReplication]).toEqual([3, 1]);
  });
});

test('workers of an ingress are hit only where there is one, each of them once at a time', () => {
  forEveryPlan((faults, { ingredients }) => {
    const hits = faults.filter(({ kind }) => isIngressFault(kind));
    if (hits.length > 0) expect(ingredients.hasIngress).toBe(true);
    for (const [at, { target, atMs }] of hits.entries()) {
      expect([0, 1]).toContain(target);
      const before = hits.slice(0, at).findLast((each) => each.target === target);
      if (before) expect(atMs).toBeGreaterThan(before.atMs + before.lengthMs);
    }
  });
});

test('leaders are moved only where others could lead', () => {
  forEveryPlan((faults, { brokers }) => {
    if (faults.some(({ kind }) => kind === 'leader-election')) expect(brokers).toBe(3);
  });
});

test('markers are left out only where there are transactions', () => {
  forEveryPlan((faults, { ingredients: { guarantee } }) => {
    if (faults.some(({ kind }) => isMarkerFault(kind))) expect(guarantee).toBe('ExactlyOnce');
  });
});

test('one broker is down at a time, and exists', () => {
  forEveryPlan((faults, { brokers }) => {
    const ofBrokers = faults.filter(({ kind }) => isBrokerFault(kind) || hitsAll(kind));
    for (const [at, { target, atMs }] of ofBrokers.entries()) {
      expect(target ?? 0).toBeLessThan(brokers);
      const before = ofBrokers[at - 1];
      if (before) expect(atMs).toBeGreaterThanOrEqual(before.atMs + before.lengthMs);
    }
  });
});

test('the steady workers are always there, faults apart, and only a worker that runs is hit', () => {
  forEveryPlan((faults, { workers }) => {
    const running = new Map(Array.from({ length: workers }, (_, worker) => [worker, 0]));
    for (const { kind, target, atMs, lengthMs } of faults.filter(({ kind }) => isOneOf(WORKER_FAULTS)({ kind }) || hitsAll(kind))) {
      const hit = hitsAll(kind) ? [...running.keys()] : [target!];
      for (const worker of hit) expect(running.get(worker) ?? 0).toBeLessThanOrEqual(atMs);
      if (!hitsAll(kind)) expect(running.has(target!)).toBe(kind !== 'worker-add');
      if (kind === 'worker-remove') running.delete(target!);
      else for (const worker of hit) running.set(worker, atMs + lengthMs);
      expect(running.size).toBeGreaterThanOrEqual(workers);
    }
  });
});

test('a frozen worker loses its session; in a long run one is frozen for a minute', () => {
  const freezes = (options: PlanOptions) =>
    planFaults(options)
      .filter(isOneOf(['worker-freeze']))
      .map(({ lengthMs }) => lengthMs);
  const long = freezes(OPTIONS);
  expect(Math.min(...long)).toBeGreaterThan(OPTIONS.sessionTimeoutMs);
  expect(Math.max(...long)).toBe(60_000);
  expect(Math.max(...freezes({ ...OPTIONS, durationMs: 60_000 }))).toBeLessThan(15_000);
});

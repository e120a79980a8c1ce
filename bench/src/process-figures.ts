/** What a worker costs that has nothing to do, and how soon it works. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arena, createTopic } from './arena.ts';
import { dropOutputs, prepareStep, uniqueName } from './contest.ts';
import { measureHotPartition } from './hot-partition.ts';
import { type EncodeOrder, registerSchemas } from './input.ts';
import { Probes } from './probes.ts';
import { connectionsOf, cpuSecondsOf, rssMiBOf } from './proc.ts';
import type { ProcessFigures } from './report.ts';
import type { Step } from './sagafleet.ts';
import { medianOf } from './statistics.ts';
import { measureTakeovers } from './takeover.ts';
import { untilReady, untilShared, withWorker } from './worker-process.ts';

const MANY_PARTITIONS = 100;
const VERY_MANY_PARTITIONS = 1_000;
const FEW_PARTITIONS = 3;
const SETTLE_MS = 5_000;
const IDLE_WINDOW_MS = 20_000;

type Start = Pick<ProcessFigures, 'startMs' | 'startBehindMs' | 'rssMiB'>;
interface Idle {
  cpu: number;
  connections: number;
}

export async function measureProcess(arena: Arena, rounds: number): Promise<ProcessFigures> {
  const { encode } = await registerSchemas(arena);
  const start = await withStep(arena, FEW_PARTITIONS, (step) => measureStarts(arena, step, { encode, rounds }));
  arena.progress(`ready after ${start.startMs} ms, first record with work to do after ${start.startBehindMs} ms, idle ${start.rssMiB} MiB`);
  const idle = await withStep(arena, MANY_PARTITIONS, (step) => measureIdle(arena, step, MANY_PARTITIONS));
  arena.progress(`idle with ${MANY_PARTITIONS} partitions: ${idle.cpu} % of a core`);
  const idleMany = await withStep(arena, VERY_MANY_PARTITIONS, (step) => measureIdle(arena, step, VERY_MANY_PARTITIONS));
  arena.progress(`idle with ${VERY_MANY_PARTITIONS} partitions: ${idleMany.cpu} % of a core, ${idleMany.connections} connections`);
  const hotShare = await measureHotPartition(arena, { encode, rounds });
  const takeovers = await measureTakeovers(arena, { encode, rounds });
  return { idleCpu: idle.cpu, idleManyCpu: idleMany.cpu, connections: idleMany.connections, hotShare, ...start, ...takeovers };
}

async function withStep<T>(arena: Arena, partitions: number, measure: (step: Step) => Promise<T>): Promise<T> {
  const input = uniqueName('process-in');
  await createTopic(arena, input, partitions);
  const step = await prepareStep(arena, { name: uniqueName('process'), input, partitions: FEW_PARTITIONS });
  try {
    return await measure(step);
  } finally {
    await dropOutputs(arena, step);
  }
}

/**
 * A start on a drained topic, until the worker is ready: a member of its group with its tasks fenced, fetching. And one
 * on a topic with a record to work, until that is seen in the output: there a new process reads offsets for 3 s before
 * it believes them (docs/decisions/0006).
 */
async function measureStarts(arena: Arena, step: Step, { encode, rounds }: { encode: EncodeOrder; rounds: number }): Promise<Start> {
  const probes = await Probes.open(arena, { ...step, encode, partitionCount: FEW_PARTITIONS, partitions: [0] });
  const all: Start[] = [];
  try {
    for (let round = 0; round < rounds; round++) {
      let startedAt = performance.now();
      const drained = await withWorker(arena, step, async (worker) => {
        await untilReady(worker);
        const startMs = performance.now() - startedAt;
        await probes.send([0]);
        await probes.allSeen();
        await sleep(SETTLE_MS);
        return { startMs, rssMiB: rssMiBOf(worker.program.pid) };
      });
      await probes.send([0]);
      startedAt = performance.now();
      await withWorker(arena, step, () => probes.allSeen());
      all.push({ ...drained, startBehindMs: probes.sent.at(-1)!.seenAtMs - startedAt });
    }
  } finally {
    await probes.close();
  }
  const median = (figure: keyof Start) => Math.ceil(medianOf(all.map((each) => each[figure])));
  return { startMs: median('startMs'), startBehindMs: median('startBehindMs'), rssMiB: median('rssMiB') };
}

/** Per cent of a core, and connections to the broker. */
function measureIdle(arena: Arena, step: Step, partitions: number): Promise<Idle> {
  return withWorker(arena, step, async (worker) => {
    await untilShared([worker], partitions);
    await sleep(SETTLE_MS);
    const begin = { cpuSeconds: cpuSecondsOf(worker.program.pid), atMs: performance.now() };
    await sleep(IDLE_WINDOW_MS);
    const seconds = (performance.now() - begin.atMs) / 1_000;
    const cpu = ((cpuSecondsOf(worker.program.pid) - begin.cpuSeconds) / seconds) * 100;
    const brokerPort = Number(arena.platform.brokers.split(':').at(-1));
    return { cpu: Math.round(cpu * 100) / 100, connections: connectionsOf(worker.program.pid, brokerPort) };
  });
}

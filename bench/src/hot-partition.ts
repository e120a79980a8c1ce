/** Whether one busy partition is held up by others that are idle: its rate beside eleven of them, against its rate alone. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arena, createTopic } from './arena.ts';
import { dropOutputs, prepareStep, uniqueName } from './contest.ts';
import type { EncodeOrder } from './input.ts';
import { medianOf } from './statistics.ts';
import { type Moment, throughputIn } from './throughput.ts';
import { withWorker } from './worker-process.ts';

const PARTITIONS_BESIDE = 12;
const RECORDS = 400_000;
const WARM_UP_RECORDS = 150_000;
const RECORDS_PER_SEND = 6_000;
const POLL_MS = 25;

/** Median of the ratios of the rounds, each of which measures both. */
export async function measureHotPartition(arena: Arena, { encode, rounds }: { encode: EncodeOrder; rounds: number }): Promise<number> {
  const alone = await writeHot(arena, 1, encode);
  const beside = await writeHot(arena, PARTITIONS_BESIDE, encode);
  const ratios: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const rates = { alone: await rateOf(arena, alone, 1), beside: await rateOf(arena, beside, PARTITIONS_BESIDE) };
    arena.progress(
      `one busy partition: ${Math.round(rates.alone)}/s alone, ${Math.round(rates.beside)}/s beside ${PARTITIONS_BESIDE - 1} idle ones`,
    );
    ratios.push(rates.beside / rates.alone);
  }
  return Math.round(medianOf(ratios) * 100) / 100;
}

/** A topic with all of its records in partition 0. */
async function writeHot(arena: Arena, partitions: number, encode: EncodeOrder): Promise<string> {
  const topic = uniqueName('hot-in');
  await createTopic(arena, topic, partitions);
  const producer = arena.kafka.producer({ idempotent: true, maxInFlightRequests: 1, allowAutoTopicCreation: false });
  await producer.connect();
  for (let at = 0; at < RECORDS; at += RECORDS_PER_SEND) {
    const messages = Array.from({ length: Math.min(RECORDS_PER_SEND, RECORDS - at) }, (_, index) => ({
      ...encode(at + index),
      partition: 0,
    }));
    await producer.send({ topic, messages });
  }
  await producer.disconnect();
  return topic;
}

/** Records per second, by the group's committed offsets. */
async function rateOf(arena: Arena, input: string, partitions: number): Promise<number> {
  const step = await prepareStep(arena, { name: uniqueName('hot'), input, partitions });
  try {
    return await withWorker(arena, step, async ({ program }) => {
      const moments: Moment[] = [];
      await program.waitUntil(
        'process one busy partition',
        async () => {
          await sleep(POLL_MS);
          const offsets = await arena.admin.committedOffsets(step.group, [input]);
          const moment = {
            records: Number(offsets.find(({ partition }) => partition === 0)?.offset ?? 0n),
            atMs: performance.now(),
            cpuSeconds: 0,
          };
          moments.push(moment);
          return moment.records >= RECORDS;
        },
        120_000,
      );
      return throughputIn(moments, WARM_UP_RECORDS).recordsPerSecond;
    });
  } finally {
    await dropOutputs(arena, step);
  }
}

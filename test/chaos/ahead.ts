/**
 * Positions of the group that were ahead of what was written: a worker that ends there loses records. Seen in samples,
 * each of which asked for the positions first and for the ends of the outputs after that. Pure, and linear in records
 * and samples.
 */
import type { Evidence, InputRecord, Output } from './judge.ts';
import type { Sample, Watched } from './standstill.ts';

export interface Ahead {
  place: string;
  position: number;
  topic: string;
  partition: number;
  end: number;
  needed: number;
}

/** After a disturbance a broker that was no leader any more, and does not know it yet, may tell an old end. */
const SETTLES_MS = 2_000;

/** The first such sample of each partition of the input and of an output. */
export function aheadIn({ inputs, outputs, watched }: Pick<Evidence, 'inputs' | 'outputs'> & { watched: Watched }): Ahead[] {
  const samples = watched.samples.filter(({ atMs }) => isCalm(atMs, watched));
  const byPlace = Map.groupBy(inputs, (input) => placeOf(input));
  return outputs.flatMap((output) => {
    const firstOf = firstOutputs(output);
    return [...byPlace].flatMap(([place, its]) => aheadOf({ place, inputs: its, topic: output.topic, firstOf }, samples));
  });
}

interface Course {
  place: string;
  inputs: readonly InputRecord[];
  topic: string;
  firstOf: ReadonlyMap<string, { partition: number; offset: number }>;
}

function aheadOf({ place, inputs, topic, firstOf }: Course, samples: readonly Sample[]): Ahead[] {
  const needed = new Map<number, number>();
  const found = new Map<number, Ahead>();
  let next = 0;
  for (const { committed, ends } of samples) {
    const position = committed.find((each) => placeOf(each) === place)?.offset ?? 0;
    for (; next < inputs.length && inputs[next]!.offset < position; next++) {
      const first = firstOf.get(`${place}/${inputs[next]!.offset}`);
      if (first) needed.set(first.partition, Math.max(needed.get(first.partition) ?? 0, first.offset + 1));
    }
    for (const { topic: ofTopic, partition, highWatermark } of ends) {
      const end = needed.get(partition) ?? 0;
      if (ofTopic !== topic || end <= highWatermark || found.has(partition)) continue;
      found.set(partition, { place, position, topic, partition, end: highWatermark, needed: end });
    }
  }
  return [...found.values()];
}

/** By what they come from. What comes again later was written before. */
function firstOutputs({ records }: Output): Map<string, { partition: number; offset: number }> {
  const first = new Map<string, { partition: number; offset: number }>();
  for (const { source, partition, offset } of records) if (source !== null && !first.has(source)) first.set(source, { partition, offset });
  return first;
}

function isCalm(atMs: number, { disturbances }: Watched): boolean {
  return !disturbances.some(({ fromMs, toMs }) => fromMs <= atMs && atMs < toMs + SETTLES_MS);
}

function placeOf({ topic, partition }: { topic: string; partition: number }): string {
  return `${topic}/${partition}`;
}

/**
 * What stood still while there was something to do, and for how long. A reader: a partition of an output topic whose
 * last stable offset is below its high watermark. A task: a position of the group below the last stable offset of its
 * input. Pure, and linear in the number of samples.
 */

export interface TopicPosition {
  topic: string;
  partition: number;
  offset: number;
}
export interface TopicEnd {
  topic: string;
  partition: number;
  highWatermark: number;
  lastStable: number;
}

/** What brokers answered at one moment. */
export interface Sample {
  atMs: number;
  ends: readonly TopicEnd[];
  committed: readonly TopicPosition[];
}

/** A time in which a standstill is no wonder: a fault, or brokers that do not answer. `toMs` is Infinity while it lasts. */
export interface Disturbance {
  fromMs: number;
  toMs: number;
}

export interface Watched {
  /** The topic whose partitions are tasks. */
  input: string;
  /** In order of time. */
  samples: readonly Sample[];
  disturbances: readonly Disturbance[];
  /** Longer than this after the last disturbance nothing may stand still. */
  limitMs: number;
}

export type Mover = 'reader' | 'task';
export interface Standstill {
  mover: Mover;
  place: string;
  position: number;
  fromMs: number;
  toMs: number;
}

interface Movement {
  mover: Mover;
  place: string;
  position: number;
  hasWork: boolean;
}

/** Every standstill that no disturbance interrupts, also those that are short. */
function standstillsOf({ input, samples, disturbances }: Watched): Standstill[] {
  const calmSince = lastDisturbed(disturbances);
  const open = new Map<string, Standstill>();
  const found: Standstill[] = [];
  for (const { atMs, ...sample } of samples) {
    const calmMs = calmSince(atMs);
    for (const { hasWork, ...movement } of movementsIn(sample, input)) {
      const current = open.get(movement.place);
      // An answer below an earlier one is Kafka's, not a movement
      const isStill = current !== undefined && hasWork && movement.position <= current.position;
      if (isStill && calmMs <= current.fromMs) {
        current.toMs = atMs;
        continue;
      }
      if (current) found.push(current);
      if (hasWork)
        open.set(movement.place, {
          ...movement,
          ...(isStill ? { position: current.position, fromMs: calmMs } : { fromMs: atMs }),
          toMs: atMs,
        });
      else open.delete(movement.place);
    }
  }
  return [...found, ...open.values()].filter((each) => lengthOf(each) > 0);
}

/** Those that lasted too long. */
export function stalledIn(watched: Watched): Standstill[] {
  return standstillsOf(watched).filter((each) => lengthOf(each) > watched.limitMs);
}

export function longestStandstills(watched: Watched): Record<Mover, number> {
  const longest = { reader: 0, task: 0 };
  for (const each of standstillsOf(watched)) longest[each.mover] = Math.max(longest[each.mover], lengthOf(each));
  return longest;
}

/** What has had something to do in every sample since then and did not move; null where there are fewer than two samples. */
export function standingSince({ input, samples }: Pick<Watched, 'input' | 'samples'>, sinceMs: number): string[] | null {
  const since = samples.filter(({ atMs }) => atMs >= sinceMs);
  if (since.length < 2) return null;
  const standing = new Map(
    movementsIn(since[0]!, input)
      .filter(({ hasWork }) => hasWork)
      .map(({ place, position }) => [place, position]),
  );
  for (const sample of since) {
    for (const { place, position, hasWork } of movementsIn(sample, input)) {
      if (!hasWork || position > (standing.get(place) ?? position)) standing.delete(place);
    }
  }
  return [...standing.keys()];
}

export function lengthOf({ fromMs, toMs }: Standstill): number {
  return toMs - fromMs;
}

function movementsIn({ ends, committed }: Omit<Sample, 'atMs'>, input: string): Movement[] {
  const positions = new Map(committed.map(({ topic, partition, offset }) => [`${topic}/${partition}`, offset]));
  return ends.map(({ topic, partition, highWatermark, lastStable }): Movement => {
    const place = `${topic}/${partition}`;
    if (topic !== input) return { mover: 'reader', place, position: lastStable, hasWork: lastStable < highWatermark };
    const position = positions.get(place) ?? -1;
    return { mover: 'task', place, position, hasWork: position < lastStable };
  });
}

/** When the last disturbance before a moment was over: that moment, where one lasts. Moments have to be asked for in order. */
function lastDisturbed(disturbances: readonly Disturbance[]): (atMs: number) => number {
  const ordered = disturbances.toSorted((a, b) => a.fromMs - b.fromMs);
  let next = 0;
  let lastMs = -Infinity;
  return (atMs) => {
    for (; next < ordered.length && ordered[next]!.fromMs <= atMs; next++) lastMs = Math.max(lastMs, ordered[next]!.toMs);
    return Math.min(lastMs, atMs);
  };
}

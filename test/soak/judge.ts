/** Does a figure stay where it is, or does it grow with what was done? Pure. */

/** Bytes, and numbers of things. */
export const MEMORY = ['rss', 'heapUsed', 'external'] as const;
export const COUNTS = ['descriptors', 'sockets', 'activeHandles', 'liveSockets', 'liveTimers', 'liveProducers'] as const;

export type Figure = (typeof MEMORY)[number] | (typeof COUNTS)[number];
export type Figures = Record<Figure, number>;

/** `done`: how much was done until then, in records, minutes or rebalances. */
export interface Sample {
  done: number;
  figures: Figures;
}

export interface Finding {
  figure: Figure;
  verdict: 'flat' | 'grows' | 'too few samples';
  /** The lowest of the first window after the warm-up, and of the last one. */
  first: number;
  last: number;
  /** Over as much as was done in the whole run, by the line that rises less. */
  growth: number;
  /** What growth is still none. */
  limit: number;
  /** For each one that was done. */
  rate: number;
}

const MIB = 1024 * 1024;
const WARM_UP_SHARE = 0.25;
const WINDOWS = 10;
const LEAST_OF_WINDOW = 3;
/** Of memory: the lower one of a share of what it was and of so many bytes. */
const MEMORY_SHARE = 0.1;
const MEMORY_BYTES = 20 * MIB;
/** Not one more. */
const COUNT_LIMIT = 1;

/**
 * What is leaked is there at the quietest moment too, what is under way is not. So after a warm-up the series is cut
 * into windows of as many samples each, of which the lowest values count. Both the line through all of them (least
 * squares) and that from the first to the last have to rise.
 */
export function judge(samples: readonly Sample[]): Finding[] {
  return [...MEMORY, ...COUNTS].map((figure) => judgeFigure(figure, samples));
}

export function isFlat(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict === 'flat');
}

function judgeFigure(figure: Figure, samples: readonly Sample[]): Finding {
  const warm = samples.slice(Math.ceil(samples.length * WARM_UP_SHARE));
  const values = warm.map(({ figures }) => figures[figure]);
  if (warm.length < WINDOWS * LEAST_OF_WINDOW) {
    return { figure, verdict: 'too few samples', first: values[0] ?? NaN, last: values.at(-1) ?? NaN, growth: NaN, limit: NaN, rate: NaN };
  }
  const windows = Array.from({ length: WINDOWS }, (_, at) => {
    const from = Math.floor((at * warm.length) / WINDOWS);
    const to = Math.floor(((at + 1) * warm.length) / WINDOWS);
    return { x: meanOf(warm.slice(from, to).map(({ done }) => done)), y: Math.min(...values.slice(from, to)) };
  });
  const [firstWindow, lastWindow] = [windows[0]!, windows.at(-1)!];
  // Either one alone follows what is a little more or less each time
  const rate = Math.min(slopeOf(windows), slopeOf([firstWindow, lastWindow]));
  const growth = rate * (samples.at(-1)!.done - samples[0]!.done);
  const [first, last] = [firstWindow.y, lastWindow.y];
  const isMemory = (MEMORY as readonly Figure[]).includes(figure);
  const limit = isMemory ? Math.min(first * MEMORY_SHARE, MEMORY_BYTES) : COUNT_LIMIT;
  return { figure, verdict: growth < limit ? 'flat' : 'grows', first, last, growth, limit, rate };
}

function slopeOf(points: readonly { x: number; y: number }[]): number {
  const [meanX, meanY] = [meanOf(points.map(({ x }) => x)), meanOf(points.map(({ y }) => y))];
  const covariance = meanOf(points.map(({ x, y }) => (x - meanX) * (y - meanY)));
  return covariance / meanOf(points.map(({ x }) => (x - meanX) ** 2));
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

import { describe, expect, test } from 'vitest';
import { COUNTS, type Figure, type Figures, isFlat, judge, MEMORY, type Sample } from './judge.ts';

const MIB = 1024 * 1024;
const SAMPLES = 400;
const STEADY: Figures = {
  rss: 120 * MIB,
  heapUsed: 24 * MIB,
  external: 6 * MIB,
  descriptors: 45,
  sockets: 20,
  activeHandles: 30,
  liveSockets: 21,
  liveTimers: 30,
  liveProducers: 12,
};
/** Each sample is one more rebalance. */
const series = (figuresAt: (done: number) => Partial<Figures>, samples = SAMPLES): Sample[] =>
  Array.from({ length: samples }, (_, done) => ({ done, figures: { ...STEADY, ...figuresAt(done) } }));
const findingOf = (figure: Figure, samples: readonly Sample[]) => judge(samples).find((finding) => finding.figure === figure)!;

/** What comes and goes: never below 0, often at 0. */
const underWay = (done: number) => (done * 7) % 5;

const FLAT: Record<string, (done: number) => Partial<Figures>> = {
  'what stays as it is': () => ({}),
  'what is under way and done again': (done) => ({
    heapUsed: (24 + 10 * underWay(done)) * MIB,
    rss: (120 + 10 * underWay(done)) * MIB,
    sockets: 20 + underWay(done),
    liveTimers: 30 + underWay(done),
  }),
  'more and more under way, and less again': (done) => ({ liveTimers: 30 + (underWay(done) === 0 ? 0 : Math.min(done, SAMPLES - done)) }),
  'what is taken while it warms up': (done) => ({
    heapUsed: (24 + Math.min(done, SAMPLES / 4) / 5) * MIB,
    sockets: 20 + Math.min(done, 8),
  }),
  'one more or less each time, by chance more in the middle': (done) => ({
    liveTimers: 30 + (done < 130 ? 0 : done < 160 ? -1 : done < 340 ? 1 : done < 370 ? 2 : 0),
  }),
  'what is given back': (done) => ({ rss: (200 - done / 10) * MIB, liveSockets: 400 - done }),
  'memory that grows by less than its limit': (done) => ({ heapUsed: (24 + 2 * (done / SAMPLES)) * MIB }),
};

const GROWS: Record<string, { figure: Figure; figuresAt: (done: number) => Partial<Figures>; rate: number }> = {
  'a socket of each rebalance': { figure: 'sockets', figuresAt: (done) => ({ sockets: 20 + done }), rate: 1 },
  'a timer of every twentieth': { figure: 'liveTimers', figuresAt: (done) => ({ liveTimers: 30 + Math.floor(done / 20) }), rate: 0.05 },
  'a producer of every tenth, among those that come and go': {
    figure: 'liveProducers',
    figuresAt: (done) => ({ liveProducers: 12 + Math.floor(done / 10) + underWay(done) }),
    rate: 0.1,
  },
  'a heap of 16 KiB more each time': {
    figure: 'heapUsed',
    figuresAt: (done) => ({ heapUsed: 24 * MIB + done * 16_384 + underWay(done) * MIB }),
    rate: 16_384,
  },
  'memory outside of the heap': { figure: 'rss', figuresAt: (done) => ({ rss: 120 * MIB + done * 40_960 }), rate: 40_960 },
  'a tenth of little': { figure: 'external', figuresAt: (done) => ({ external: 6 * MIB + done * 2_048 }), rate: 2_048 },
  '20 MiB, of however much': { figure: 'rss', figuresAt: (done) => ({ rss: 900 * MIB + done * 65_536 }), rate: 65_536 },
};

describe('is flat', () => {
  test.for(Object.entries(FLAT))('%s', ([, figuresAt]) => {
    expect(judge(series(figuresAt)).filter(({ verdict }) => verdict !== 'flat')).toEqual([]);
  });
});

describe('grows, and how fast', () => {
  test.for(Object.entries(GROWS))('%s', ([, { figure, figuresAt, rate }]) => {
    const findings = judge(series(figuresAt));
    expect(findings.filter(({ verdict }) => verdict === 'grows').map((finding) => finding.figure)).toEqual([figure]);
    expect(isFlat(findings)).toBe(false);
    const found = findingOf(figure, series(figuresAt)).rate;
    expect(found).toBeGreaterThan(0.9 * rate);
    expect(found).toBeLessThan(1.1 * rate);
  });
});

test('growth is that of the whole run, the warm-up included', () => {
  expect(
    findingOf(
      'sockets',
      series((done) => ({ sockets: 20 + done })),
    ).growth,
  ).toBeCloseTo(SAMPLES - 1, 6);
});

test('every figure is judged', () => {
  expect(judge(series(() => ({}))).map(({ figure }) => figure)).toEqual([...MEMORY, ...COUNTS]);
  expect(Object.keys(STEADY).sort()).toEqual([...MEMORY, ...COUNTS].sort());
});

describe('too few samples are not flat', () => {
  test.for([0, 1, 39])('%i', (samples) => {
    const findings = judge(series(() => ({}), samples));
    expect(new Set(findings.map(({ verdict }) => verdict))).toEqual(new Set(['too few samples']));
    expect(isFlat(findings)).toBe(false);
  });

  test('40 are enough', () => {
    expect(isFlat(judge(series(() => ({}), 40)))).toBe(true);
  });
});

test('work that did not go on is no verdict of flat', () => {
  const stuck = series(() => ({})).map((sample) => ({ ...sample, done: 5 }));
  expect(isFlat(judge(stuck))).toBe(false);
});

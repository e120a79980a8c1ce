import type { Arena } from './arena.ts';
import type { Entrant, SubjectName } from './entrant.ts';
import { measureHop } from './hop.ts';
import { measureOrder } from './order.ts';
import type { LatencyRow, Missing, Row } from './report.ts';
import type { Subject } from './subjects.ts';

const TIMED_SUBJECTS: readonly SubjectName[] = ['sagafleet', 'kafkajs'];
const ENTRANT: Omit<Entrant, 'subject'> = { mode: 'exactly-once', work: 'raw', keys: 'kept' };

export interface LatencyOptions {
  probes: number;
  rows: readonly Row[];
}

/** Half load is half of what the rows of this run say that a subject can do. */
export async function measureLatencies(
  arena: Arena,
  subjects: readonly Subject[],
  { probes, rows }: LatencyOptions,
): Promise<{ latency: LatencyRow[]; missing: Missing[] }> {
  const latency: LatencyRow[] = [];
  const missing: Missing[] = [];
  const add = async (what: string, measure: () => Promise<LatencyRow>) => {
    try {
      const row = await measure();
      latency.push(row);
      arena.progress(`${what}: p50 ${row.p50Ms} ms, p99 ${row.p99Ms} ms`);
    } catch (error) {
      missing.push({ what, reason: (error as Error).message });
      arena.progress(`${what}: ${(error as Error).message}`);
    }
  };
  for (const { name: subject, prepare } of subjects.filter(({ name }) => TIMED_SUBJECTS.includes(name))) {
    const hop = { entrant: { subject, ...ENTRANT }, launch: await prepare(arena), probes };
    await add(`${subject}, a hop, idle`, () => measureHop(arena, { ...hop, load: 'idle', recordsPerSecond: 0 }));
    const row = rows.find(
      (each) => each.subject === subject && each.mode === ENTRANT.mode && each.work === ENTRANT.work && each.keys === ENTRANT.keys,
    );
    if (row)
      await add(`${subject}, a hop, half load`, () =>
        measureHop(arena, { ...hop, load: 'half', recordsPerSecond: row.recordsPerSecond / 2 }),
      );
  }
  if (subjects.some(({ name }) => name === 'sagafleet')) await add('sagafleet, an order, idle', () => measureOrder(arena, probes));
  return { latency, missing };
}

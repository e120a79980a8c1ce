/** A whole run, part by part. */
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Environment } from '@sagafleet/local';
import { openArena } from './arena.ts';
import { measureLatencies } from './latencies.ts';
import { thisMachine } from './machine.ts';
import type { BenchOptions } from './options.ts';
import { cpuSecondsOf } from './proc.ts';
import { measureProcess } from './process-figures.ts';
import type { Report } from './report.ts';
import { measureRows } from './rows.ts';
import { ALL_SUBJECTS } from './subjects.ts';
import { versionsOf } from './versions.ts';

export interface Outside {
  env: Environment;
  onProgress(text: string): void;
}

export async function runBench(options: BenchOptions, { env, onProgress }: Outside): Promise<Report> {
  const subjects = ALL_SUBJECTS.filter(({ name }) => options.subjects.includes(name));
  const report: Report = {
    rows: [],
    latency: [],
    process: null,
    missing: [],
    records: options.records,
    rounds: options.rounds,
    machine: thisMachine(),
    versions: {},
  };
  // Fails now where there is no /proc
  cpuSecondsOf(process.pid);
  const arena = await openArena({ env, onProgress });
  report.versions = versionsOf(arena.platform, options.subjects);
  try {
    if (options.parts.includes('rows')) {
      const { rows, missing } = await measureRows(arena, subjects, { ...options, nodeOptions: nodeOptionsFor(options.cpuProfiles) });
      report.rows = rows;
      report.missing.push(...missing);
    }
    if (options.parts.includes('latency')) {
      const { latency, missing } = await measureLatencies(arena, subjects, { probes: options.probes, rows: report.rows });
      report.latency = latency;
      report.missing.push(...missing);
    }
    if (options.parts.includes('process') && options.subjects.includes('sagafleet')) {
      report.process = await measureProcess(arena, options.rounds).catch((error: Error) => {
        report.missing.push({ what: 'sagafleet, the process', reason: error.message });
        return null;
      });
    }
    return report;
  } finally {
    await arena.close();
  }
}

function nodeOptionsFor(cpuProfiles: string | null): string[] {
  if (cpuProfiles === null) return [];
  const folder = resolve(cpuProfiles);
  mkdirSync(folder, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

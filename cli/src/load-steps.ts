import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { checkSteps, formatPath, unsupported, wellShapedSteps } from '@sagafleet/operator';
import type { SagaStep } from '@sagafleet/schemas';
import { parseAllDocuments } from 'yaml';
import type { Io } from './io.ts';

/** Mistakes in manifests, told with file, line and fix. */
export class ManifestProblems extends Error {
  override readonly name = 'ManifestProblems';
  readonly code = 'ManifestProblems';
}

/** The SagaSteps of files and folders, with defaults, fit to be run. @throws ManifestProblems */
export async function loadSteps(paths: readonly string[], io: Io): Promise<SagaStep[]> {
  const files = paths.flatMap((path) => {
    const full = resolve(io.cwd, path);
    return statSync(full).isDirectory() ? readdirSync(full).filter((n) => /\.ya?ml$/.test(n)).sort().map((n) => join(full, n)) : [full];
  });
  const manifests = files.flatMap((file) => parseAllDocuments(readFileSync(file, 'utf8')).map((doc) => doc.toJS() as unknown));
  const steps = wellShapedSteps(manifests);
  const problems = [...checkSteps(manifests), ...steps.flatMap(unsupported)];
  if (problems.length > 0) throw new ManifestProblems(problems.map(({ path, message }) => `${formatPath(path)}: ${message}`).join('\n'));
  return steps;
}

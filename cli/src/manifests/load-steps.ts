import type { SagaStep } from '@sagafleet/schemas';
import type { Io } from '../terminal/io.ts';
import { formatDiagnostic } from './diagnostic.ts';
import { checkManifests, loadManifests, stepsOf } from './load.ts';

/** Mistakes in manifests, each told with file, line and fix. */
export class ManifestProblems extends Error {
  override readonly name = 'ManifestProblems';
  readonly code = 'ManifestProblems';
}

/**
 * The SagaSteps of files and folders, with defaults, fit to be used; warnings go to standard error.
 * `run`: what this version does not run yet is refused as well.
 * @throws ManifestProblems
 */
export async function loadSteps(paths: readonly string[], io: Io, purpose: 'run' | 'render' = 'run'): Promise<SagaStep[]> {
  const loaded = await loadManifests(paths, io.cwd);
  const diagnostics = checkManifests(loaded, {}, purpose === 'run');
  const texts = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, io.isTerminal));
  if (diagnostics.some(({ severity }) => severity === 'error')) throw new ManifestProblems(texts.join('\n\n'));
  for (const text of texts) io.stderr.write(`${text}\n\n`);
  return stepsOf(loaded);
}

/** SagaSteps out of files, and what is wrong with them, in the words of the files. */
import { type CheckFacts, checkSteps, formatPath, type Problem, unsupported, wellShapedSteps } from '@sagafleet/operator';
import type { SagaStep } from '@sagafleet/schemas';
import type { Diagnostic } from './diagnostic.ts';
import { type Manifest, parseManifests, type Skipped } from './parse.ts';
import { placeOfProblem } from './place.ts';
import { readManifestFiles } from './read-files.ts';

export interface LoadedManifests {
  manifests: Manifest[];
  skipped: Skipped[];
  /** What kept files or documents from being read. */
  diagnostics: Diagnostic[];
}

/** Reads files and folders; what cannot be read is a diagnostic. */
export async function loadManifests(paths: readonly string[], cwd: string): Promise<LoadedManifests> {
  const { files, diagnostics } = await readManifestFiles(paths, cwd);
  const parsed = files.map(({ file, text }) => parseManifests(file, text));
  const loaded: LoadedManifests = {
    manifests: parsed.flatMap(({ manifests }) => manifests),
    skipped: parsed.flatMap(({ skipped }) => skipped),
    diagnostics: [...diagnostics, ...parsed.flatMap((file) => file.diagnostics)],
  };
  if (loaded.manifests.length === 0 && loaded.diagnostics.length === 0) {
    loaded.diagnostics.push({ severity: 'error', file: paths.join(', '), place: null, path: null, message: 'holds no SagaStep' });
  }
  return loaded;
}

/** The steps of right shape, with the CRD's defaults. */
export function stepsOf({ manifests }: LoadedManifests): SagaStep[] {
  return wellShapedSteps(manifests.map(({ object }) => object));
}

/** All that is wrong, in the order of the files. `toRun`: also what this version does not run yet. */
export function checkManifests(loaded: LoadedManifests, facts: CheckFacts = {}, toRun = false): Diagnostic[] {
  const byObject = new Map(loaded.manifests.map((manifest) => [manifest.object, manifest]));
  const objects = [...byObject.keys()];
  const problems = [...checkSteps(objects, facts), ...(toRun ? objects.flatMap(unsupportedIn) : [])];
  const found = problems.flatMap((problem) => {
    const manifest = byObject.get(problem.object);
    return manifest ? [diagnosticOf(problem, manifest, byObject.get(problem.other))] : [];
  });
  return [...loaded.diagnostics, ...inOrder(found, loaded.manifests)];
}

function unsupportedIn(object: unknown): Problem[] {
  return wellShapedSteps([object])
    .flatMap(unsupported)
    .map((problem) => ({ ...problem, object }));
}

function diagnosticOf(problem: Problem, { file, yaml }: Manifest, other: Manifest | undefined): Diagnostic {
  const elsewhere = other ? ` (the other: ${other.file}:${placeOfProblem({ path: ['metadata', 'name'] }, other.yaml).line})` : '';
  return {
    severity: problem.severity,
    file,
    place: placeOfProblem(problem, yaml),
    path: formatPath(problem.path) || null,
    message: problem.message + elsewhere,
  };
}

function inOrder(diagnostics: readonly Diagnostic[], manifests: readonly Manifest[]): Diagnostic[] {
  const rank = new Map(manifests.map(({ file }, index) => [file, index]));
  const key = ({ file, place }: Diagnostic): number[] => [rank.get(file) ?? 0, place?.line ?? 0, place?.column ?? 0];
  return diagnostics.toSorted((a, b) => {
    const [one, two] = [key(a), key(b)];
    const different = one.findIndex((part, index) => part !== two[index]);
    return different === -1 ? 0 : (one[different] ?? 0) - (two[different] ?? 0);
  });
}

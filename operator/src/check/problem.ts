import type { TextRange } from '@sagafleet/expressions';

export type Path = readonly (string | number)[];

/** Something wrong in a manifest. */
export interface Problem {
  severity: 'error' | 'warning';
  /** The manifest, the very object that was given. */
  object: unknown;
  /** Of the field that is meant; one that is missing or unknown included. */
  path: Path;
  /** What is wrong and what to do. */
  message: string;
  /** Where in the text at `path`. */
  range?: TextRange;
  /** The field's name is meant, not its value. */
  atKey?: true;
  /** Another manifest that has to do with it. */
  other?: unknown;
}

/** A problem of a manifest that is named by the caller. */
export type Finding = Omit<Problem, 'object' | 'severity'> & { severity?: Problem['severity'] };

export function problemsOf(object: unknown, findings: readonly Finding[]): Problem[] {
  return findings.map((finding) => ({ severity: 'error', ...finding, object }));
}

/** `spec.outcomes.paid.emit[0].event` */
export function formatPath(path: Path): string {
  const text = path.map((part) => {
    if (typeof part === 'number') return `[${part}]`;
    return /^[\w-]+$/.test(part) ? `.${part}` : `[${JSON.stringify(part)}]`;
  });
  return text.join('').replace(/^\./, '');
}

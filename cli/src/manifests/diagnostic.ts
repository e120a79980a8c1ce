import pc from 'picocolors';

/** Line and column count from 1, column and length in UTF-16 units. */
export interface Place {
  line: number;
  column: number;
  length: number;
  lineText: string;
}

/** Something wrong in a file, for a person or a program to read. */
export interface Diagnostic {
  severity: 'error' | 'warning';
  /** As the user named it. */
  file: string;
  /** Null where the file as a whole is meant. */
  place: Place | null;
  /** Field path such as `spec.outcomes.paid.emit[0].event`; null where there is none. */
  path: string | null;
  message: string;
}

/** Widest excerpt of a line; of a longer one the part around the place is shown. */
const EXCERPT_WIDTH = 120;

/**
 * `payment.yaml:12:18: spec.outcomes.paid.emit[0].event: no field "statsu" …`, then the line with
 * the place marked.
 */
export function formatDiagnostic({ severity, file, place, path, message }: Diagnostic, useColors: boolean): string {
  const color = pc.createColors(useColors);
  const paint = severity === 'error' ? color.red : color.yellow;
  const where = place === null ? file : `${file}:${place.line}:${place.column}`;
  const head = [color.bold(where), ...(severity === 'warning' ? [paint('warning')] : []), ...(path ? [path] : []), paint(message)].join(
    ': ',
  );
  return place === null ? head : `${head}\n${excerpt(place, color.dim, paint)}`;
}

function excerpt({ line, column, length, lineText }: Place, dim: (text: string) => string, paint: (text: string) => string): string {
  const from = column - 1 < EXCERPT_WIDTH - 20 ? 0 : column - 1 - EXCERPT_WIDTH / 2;
  const shown = lineText.slice(from, from + EXCERPT_WIDTH).trimEnd();
  const before = shown.slice(0, column - 1 - from);
  // A tab stays one, so that the mark stands where a terminal puts the character.
  const indent = before.replaceAll(/[^\t]/g, ' ');
  const marks = '^'.repeat(Math.max(1, Math.min(length, shown.length - before.length)));
  const margin = String(line);
  return `  ${dim(`${margin} |`)} ${shown}\n  ${dim(`${' '.repeat(margin.length)} |`)} ${indent}${paint(marks)}`;
}

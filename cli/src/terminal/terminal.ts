import { createColors } from 'picocolors';
import type { Io } from './io.ts';

/** Colours where the output is a terminal and NO_COLOR is not set. */
export function colorsFor(io: Io) {
  return createColors(io.isTerminal && !io.env['NO_COLOR']);
}

/** Progress on standard error: one line that overwrites itself on a terminal, a line each elsewhere. */
export class Progress {
  readonly #io: Io;
  #isOpen = false;
  #last = '';

  constructor(io: Io) {
    this.#io = io;
  }

  show(text: string): void {
    if (text === this.#last) return;
    this.#last = text;
    if (!this.#io.isTerminal) {
      this.#io.stderr.write(`${text}\n`);
      return;
    }
    this.#io.stderr.write(`\r\u001b[2K${text}`);
    this.#isOpen = true;
  }

  /** Only where it can overwrite itself: a count that goes up is noise in a log. */
  count(text: string): void {
    if (this.#io.isTerminal) this.show(text);
  }

  /** A line that stays. */
  line(text: string): void {
    this.end();
    this.#io.stderr.write(`${text}\n`);
  }

  end(): void {
    if (this.#isOpen) this.#io.stderr.write('\r\u001b[2K');
    this.#isOpen = false;
    this.#last = '';
  }
}

/** Rows as text, columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[], indent = '  '): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map(
    (row) =>
      indent +
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd(),
  );
}

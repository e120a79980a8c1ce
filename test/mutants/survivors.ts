/** Survivors that are known, as `docs/mutations.md` lists them with their reasons. */
import type { Mutant } from './mutate.ts';

/** A row stands for all mutants of the function that make the same change. */
export interface Survivor {
  file: string;
  within: string;
  change: string;
  reason: string;
}

export const PAGE = 'docs/mutations.md';
const HEADING = '### Survivors';
const SHOWN = 70;

/** As it is shown and listed. */
export function changeOf({ from, to }: Pick<Mutant, 'from' | 'to'>): string {
  return `${clip(from)} → ${to === ';' ? '(removed)' : clip(to)}`;
}

function clip(code: string): string {
  const line = code.replaceAll(/\s+/g, ' ').replaceAll('`', "'");
  return line.length > SHOWN ? `${line.slice(0, SHOWN)}…` : line;
}

/** The table under the heading: file, function, change, reason. */
export function parseSurvivors(page: string): Survivor[] {
  const [, section = ''] = page.split(`${HEADING}\n`);
  const [table = ''] = section.split(/\n#+ /);
  return table
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => {
      const [file, within, change, reason] = line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim().replaceAll('\\|', '|'));
      return { file: bare(file), within: bare(within), change: bare(change), reason: reason ?? '' };
    });
}

/** The row to add for it, without a reason. */
export function rowOf(mutant: Mutant): string {
  const cells = [mutant.file, mutant.within, changeOf(mutant)].map((cell) => `\`${cell.replaceAll('|', '\\|')}\``);
  return `| ${cells.join(' | ')} | |`;
}

export function isListed(mutant: Mutant, survivors: readonly Survivor[]): boolean {
  return survivors.some((survivor) => isSame(survivor, mutant));
}

export function isSame({ file, within, change }: Survivor, mutant: Mutant): boolean {
  return file === mutant.file && within === mutant.within && change === changeOf(mutant);
}

function bare(cell = ''): string {
  return cell.replace(/^`/, '').replace(/`$/, '');
}

/** The table of the last run stands in README.md, between two marks. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { BenchError } from './errors.ts';

const README = fileURLToPath(new URL('../README.md', import.meta.url));
const BEGIN = '<!-- figures: written by npm run bench -- --write -->';
const END = '<!-- end of figures -->';

export function writeReadme(figures: string): void {
  writeFileSync(README, withFigures(readFileSync(README, 'utf8'), figures));
}

/** @throws BenchError NotMeasured where a mark is missing */
export function withFigures(text: string, figures: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new BenchError('NotMeasured', `README.md has no place for the figures: ${BEGIN} … ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${figures.trim()}\n\n${text.slice(end)}`;
}

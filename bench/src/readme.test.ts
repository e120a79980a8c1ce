import { expect, test } from 'vitest';
import { withFigures } from './readme.ts';

const BEGIN = '<!-- figures: written by npm run bench -- --write -->';
const END = '<!-- end of figures -->';

test('figures replace those of the run before', () => {
  const text = `# Bench\n\n${BEGIN}\n\nold\n\n${END}\n\nmore\n`;
  expect(withFigures(text, '| new |\n')).toBe(`# Bench\n\n${BEGIN}\n\n| new |\n\n${END}\n\nmore\n`);
});

test('a file without a place for them is refused', () => {
  expect(() => withFigures('# Bench', 'new')).toThrow(/no place/);
});

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CLI_PAGE, cliReference } from './reference.ts';

test('the page of commands is up to date; otherwise run `npm run generate`', () => {
  expect(readFileSync(CLI_PAGE, 'utf8')).toBe(cliReference());
});

test('it has every command with its options and examples', () => {
  const page = cliReference();
  for (const part of ['## sagafleet dev', '## sagafleet kafka', '--replicas', 'sagafleet timeline order-42', 'Exit codes:']) {
    expect(page).toContain(part);
  }
});

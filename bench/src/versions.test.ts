import { expect, test } from 'vitest';
import { SUBJECTS } from './entrant.ts';
import { pinnedVersionOf } from './versions.ts';

test.for(SUBJECTS)('the version of %s is pinned', (subject) => {
  expect(pinnedVersionOf(subject)).toMatch(/^\d+\.\d+\.\d+$/);
});

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const REAL = '**/*.real.test.ts';
const FOREIGN = ['**/node_modules/**', '**/dist/**'];
const SLOW_MUTATIONS = 'worker/test/mutants/slow-mutations.real.test.ts';

const againstRealParts = {
  globalSetup: ['test/support/real-parts.ts'],
  maxWorkers: 2,
  testTimeout: 60_000,
  hookTimeout: 60_000,
  sequence: { groupOrder: 1 },
};

/** Sources are tested, not builds. The condition "source" of the packages would do for tests, but not for global setups. */
export const SOURCES = [{ find: /^@sagafleet\/(\w+)$/, replacement: fileURLToPath(new URL('./$1/src/index.ts', import.meta.url)) }];

export default defineConfig({
  resolve: { alias: SOURCES },
  test: {
    projects: [
      {
        extends: true,
        // They are quick; a machine that does other things at the same time is not
        test: {
          name: 'unit',
          testTimeout: 30_000,
          include: ['**/*.test.ts'],
          exclude: [REAL, ...FOREIGN],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...againstRealParts,
          name: 'real',
          include: [REAL],
          exclude: [SLOW_MUTATIONS, ...FOREIGN],
        },
      },
      {
        extends: true,
        test: { ...againstRealParts, name: 'mutations', include: ['worker/test/mutants/*.real.test.ts'] },
      },
    ],
  },
});

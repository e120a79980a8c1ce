import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const NOT_REAL = ['test/unit/**', 'test/{chaos,soak,mutants}/*.test.ts', '**/node_modules/**'];
const SLOW_MUTATIONS = 'worker/test/mutants/slow-mutations.test.ts';

const againstRealParts = {
  globalSetup: ['test/real-parts.ts'],
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
          include: ['*/src/**/*.test.ts', 'test/unit/**/*.test.ts', 'test/{chaos,soak,mutants}/*.test.ts'],
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          ...againstRealParts,
          name: 'real',
          include: ['*/test/**/*.test.ts', 'test/**/*.test.ts'],
          exclude: [...NOT_REAL, SLOW_MUTATIONS],
        },
      },
      {
        extends: true,
        test: { ...againstRealParts, name: 'mutations', include: ['worker/test/mutants/*.test.ts'] },
      },
    ],
  },
});

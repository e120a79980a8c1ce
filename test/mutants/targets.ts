/** What is mutated, and which tests have to notice it: those that import the file, directly or not. */
export interface Target {
  /** Globs of source files. */
  files: readonly string[];
  /** Globs of tests; fast ones, with fakes in place of a broker. */
  tests: readonly string[];
}

export const TARGETS: readonly Target[] = [
  { files: ['kafka/src/produce/*.ts'], tests: ['kafka/src/**/*.test.ts'] },
  { files: ['kafka/src/read/*.ts'], tests: ['kafka/src/**/*.test.ts'] },
  {
    files: ['worker/src/task/*.ts'],
    tests: ['worker/src/task/*.test.ts', 'worker/src/*.test.ts'],
  },
  { files: ['worker/src/pipeline/transaction.ts', 'worker/src/kafka/producers.ts'], tests: ['worker/src/**/*.test.ts'] },
];

/** Of the mutants of a target, in per cent, and of all together. */
export const LEAST_SCORE = 90;

import type { Environment } from '@sagafleet/local';

/** What a command sees of the outside; main.ts gives the real one, tests their own. */
export interface Io {
  stdout: { write(text: string): unknown };
  stderr: { write(text: string): unknown };
  env: Environment;
  cwd: string;
  /** Colours and progress that overwrites itself only here. */
  isTerminal: boolean;
}

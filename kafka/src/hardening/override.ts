/** The modules of one copy of kafkajs, by path below `kafkajs/src/`. */
export interface Internals {
  load(path: string): unknown;
  /** Puts `exports` where the next `require` of `path` finds it; throws when something loaded it before. */
  replace(path: string, exports: unknown): void;
}

/** One defect of kafkajs 2.2.4 and its repair. */
export interface Override {
  name: string;
  install(internals: Internals): void;
  /** True when the copy behaves as repaired; asks the code that runs, not a note that `install` left. */
  isActive(internals: Internals): boolean;
}

/** A class of kafkajs, as far as an override touches it. */
export interface Prototype<Methods> { prototype: Methods }

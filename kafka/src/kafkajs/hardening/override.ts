/** The modules of one copy of kafkajs, by path below `kafkajs/src/`. */
export interface Internals {
  load(path: string): unknown;
  /** Every later `load` or `require` of `path` gets what `repair` makes of its exports. */
  replace(path: string, repair: (stock: never) => unknown): void;
}

/** One defect of kafkajs 2.2.4 and its repair. */
export interface Override {
  name: string;
  install(internals: Internals): void;
  /** True when the copy behaves as repaired; asks the code that runs, not a note that `install` left. */
  isActive(internals: Internals): boolean;
}

/** A class of kafkajs, as far as an override touches it. */
export interface Prototype<Methods> {
  prototype: Methods;
}

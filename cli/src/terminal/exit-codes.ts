/** What the commands end with; shown in `--help`. */
export const EXIT = {
  ok: 0,
  /** What was asked for is not true: manifests with mistakes, orders that did not arrive. */
  problems: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** Something outside is missing or failed: Java, a port, a broker, a registry. */
  outside: 3,
} as const;

/** Environment variables, handed down from `main.ts`, the only place that reads `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

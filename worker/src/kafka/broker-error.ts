/** The protocol's name of what the broker said; kafkajs wraps it in one or two errors of its own. */
export function brokerErrorType(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { type } = at as { type?: string };
    if (type) return type;
  }
  return undefined;
}

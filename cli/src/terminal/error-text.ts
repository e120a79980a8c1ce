/** What went wrong for a person: the message, and what caused it where that says more; no stack of what was expected. */
export function causesOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const isExpected = 'code' in error || 'consequence' in error;
  if (!isExpected) return `this should not have happened: ${error.stack ?? error.message}`;
  const lines = [error.message];
  for (let cause = error.cause; cause instanceof Error && lines.length < 4; cause = cause.cause) {
    if (!lines.some((line) => line.includes((cause as Error).message))) lines.push(`  because: ${cause.message}`);
  }
  return lines.join('\n');
}

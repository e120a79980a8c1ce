const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'];

/** A worker's line of JSON for people; null below the level. What is no JSON (a crash of Node) is shown as it is. */
export function formatLogLine(line: string, fromLevel: string): string | null {
  const entry = parse(line);
  if (!entry) return line;
  const { level, time: _time, msg, ...fields } = entry;
  if (LEVELS.indexOf(String(level)) < LEVELS.indexOf(fromLevel)) return null;
  const rest = Object.entries(fields).map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  return [String(level), String(msg), ...rest].join(' ');
}

function parse(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
}

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import { LocalError } from '../errors.ts';
import { spawnGuarded } from '../processes/child-program.ts';
import { cached, hashOf } from './cache.ts';
import { LOGGING_FILE, packageFile } from './fetch.ts';
import { javaArgs } from './jvm-server.ts';
import type { KafkaTools } from './prepare.ts';

export interface ReadBackOptions {
  /** "host:port" */
  brokers: string;
  /** All of them must exist. */
  topics: readonly string[];
  /** Whose committed offsets are wanted. */
  groups?: readonly string[];
}

export interface ReadBackRecord {
  topic: string;
  partition: number;
  offset: number;
  /** Milliseconds since 1970. */
  timestamp: number;
  key: Buffer | null;
  value: Buffer | null;
  /** In their order, names more than once where they are. */
  headers: [name: string, value: Buffer | null][];
}

export interface ReadBackEnd {
  topic: string;
  partition: number;
  /** Offset behind the last record, transaction markers included. */
  highWatermark: number;
  /** Where the first open transaction begins; without one the high watermark. */
  lastStable: number;
}

export interface ReadBackCommit {
  group: string;
  topic: string;
  partition: number;
  offset: number;
}

export interface ReadBackResult {
  /** Committed ones, by partition in order of offsets. */
  records: ReadBackRecord[];
  ends: ReadBackEnd[];
  committed: ReadBackCommit[];
}

/**
 * Reads topics as a read-committed consumer does, from their beginning to where they end now, by Kafka's own client in
 * a process of its own (`java/ReadBack.java`): a judge that shares no code with what it judges.
 * @throws LocalError read-back-failed
 */
export async function readBack(tools: KafkaTools, options: ReadBackOptions): Promise<ReadBackResult> {
  const classes = await compileReader(tools);
  const wanted = [...options.topics.map((topic) => `topic:${topic}`), ...(options.groups ?? []).map((group) => `group:${group}`)];
  const program = [...tools.jvmOptions, '-Xmx512m', `-Dlog4j.configurationFile=${LOGGING_FILE}`, 'ReadBack', options.brokers, ...wanted];
  const args = javaArgs(`${tools.files.classPath}:${classes}`, program);
  const reader = spawnGuarded({ command: tools.java.java, args, env: {} }, 'captured');
  const { stdout, stderr } = reader;
  if (!stdout || !stderr) throw new Error('the reader has no output');
  const ended = once(reader, 'close');
  const complaint = text(stderr);
  const result: ReadBackResult = { records: [], ends: [], committed: [] };
  for await (const line of createInterface({ input: stdout })) addLine(result, line);
  const [code] = (await ended) as [number | null];
  if (code === 0) return result;
  const what = `${options.topics.join(', ')} at ${options.brokers}`;
  throw new LocalError('read-back-failed', `reading back ${what} failed: ${reasonIn(await complaint)}`);
}

type Line = { record: RecordLine } | { end: ReadBackEnd } | { committed: ReadBackCommit };

interface RecordLine extends Omit<ReadBackRecord, 'key' | 'value' | 'headers'> {
  key: string | null;
  value: string | null;
  headers: [string, string | null][];
}

function addLine(result: ReadBackResult, text: string): void {
  const line = JSON.parse(text) as Line;
  if ('end' in line) result.ends.push(line.end);
  else if ('committed' in line) result.committed.push(line.committed);
  else {
    const { key, value, headers } = line.record;
    result.records.push({
      ...line.record,
      key: toBytes(key),
      value: toBytes(value),
      headers: headers.map(([name, content]) => [name, toBytes(content)]),
    });
  }
}

function toBytes(base64: string | null): Buffer | null {
  return base64 === null ? null : Buffer.from(base64, 'base64');
}

/** A start from the source file would compile it each time, which takes a second. */
function compileReader({ java, files, cacheDir }: KafkaTools): Promise<string> {
  const source = packageFile('java/ReadBack.java');
  const name = `read-back-${hashOf(readFileSync(source, 'utf8'), files.folder, java.version)}`;
  return cached(cacheDir, name, async (folder) => {
    await promisify(execFile)(java.javac, ['-d', folder, '-cp', files.classPath, source]);
  });
}

/** The innermost cause in a stack trace of Java. */
function reasonIn(trace: string): string {
  const lines = trace.split('\n').filter((line) => line !== '' && !/^\s/.test(line));
  return lines.findLast((line) => line.startsWith('Caused by: '))?.slice('Caused by: '.length) ?? lines[0] ?? 'it gave no reason';
}

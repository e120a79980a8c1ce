/** Peers that are built from `peers/` into the user's cache, once a version. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cached, fetchJars, hashOf } from '@sagafleet/local';
import type { Arena } from './arena.ts';
import { BenchError } from './errors.ts';
import { type Launch, peerArguments } from './job.ts';

const run = promisify(execFile);

/** A JVM with its defaults: it has cores and memory enough to choose its server settings. */
export async function prepareKafkaStreams({ env, platform: { tools }, progress }: Arena): Promise<Launch> {
  const folder = peerFolder('kafka-streams');
  const source = join(folder, 'KafkaStreamsPeer.java');
  const { java, cacheDir } = tools;
  const jars = await fetchJars({ env, java, cacheDir, onProgress: progress }, 'Kafka Streams', join(folder, 'pom.xml'));
  const classes = await cached(cacheDir, `peer-kafka-streams-${hashOf(contentsOf(folder), java.version)}`, async (unfinished) => {
    progress('building the peer kafka-streams (once)');
    await build('kafka-streams', () => run(java.javac, ['-d', unfinished, '-cp', jars, source]));
  });
  return async (job) => ({
    command: java.java,
    args: [
      // Kafka Streams keeps its state there
      `-Djava.io.tmpdir=${job.folder}`,
      '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
      '-cp',
      `${jars}:${classes}`,
      'KafkaStreamsPeer',
      ...peerArguments(job),
    ],
    env: {},
  });
}

export async function prepareFranzGo({
  env,
  platform: {
    tools: { cacheDir },
  },
  progress,
}: Arena): Promise<Launch> {
  const folder = peerFolder('franz-go');
  const built = await cached(cacheDir, `peer-franz-go-${hashOf(contentsOf(folder))}`, async (unfinished) => {
    progress('building the peer franz-go (once)');
    await build('franz-go', () => run('go', ['build', '-o', join(unfinished, 'peer'), '.'], { cwd: folder, env }));
  });
  return async (job) => ({ command: join(built, 'peer'), args: peerArguments(job), env: { PATH: env['PATH'] } });
}

/**
 * A Node module with a binary, which is installed apart so that `npm ci` of the project does not depend on it. Its own
 * install script would fall back to compiling librdkafka for minutes, and need libraries for that.
 */
export async function prepareConfluent({
  env,
  platform: {
    tools: { cacheDir },
  },
  progress,
}: Arena): Promise<Launch> {
  const folder = peerFolder('confluent-kafka-javascript');
  const name = `peer-confluent-kafka-javascript-${hashOf(contentsOf(folder), process.version)}`;
  const installed = await cached(cacheDir, name, async (unfinished) => {
    progress('installing the peer confluent-kafka-javascript (once)');
    await cp(folder, unfinished, { recursive: true });
    const modules = join(unfinished, 'node_modules');
    const fetchBinary = [join(modules, '@mapbox/node-pre-gyp/bin/node-pre-gyp'), 'install'];
    await build('confluent-kafka-javascript', async () => {
      await run('npm', ['ci', '--ignore-scripts'], { cwd: unfinished, env });
      await run(process.execPath, fetchBinary, { cwd: join(modules, '@confluentinc/kafka-javascript'), env });
    });
  });
  return async (job) => ({
    command: process.execPath,
    args: [...job.nodeOptions, join(installed, 'peer.js'), ...peerArguments(job)],
    env: { PATH: env['PATH'] },
  });
}

/** The same from `src/` and from `dist/`. */
function peerFolder(name: string): string {
  return fileURLToPath(new URL(`../peers/${name}`, import.meta.url));
}

function contentsOf(folder: string): string {
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(join(folder, file), 'utf8'))
    .join('\0');
}

async function build(peer: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    throw new BenchError('PeerMissing', `peer ${peer} cannot be built: ${reasonIn(stderr) ?? message}`, { cause: error });
  }
}

/** The first line that complains; what follows it are its consequences. */
export function reasonIn(output: string): string | undefined {
  return output
    .split('\n')
    .find((line) => /error|fail|not found/i.test(line))
    ?.trim();
}

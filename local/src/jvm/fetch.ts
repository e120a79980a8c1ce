import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Environment } from '../environment.ts';
import { LocalError } from '../errors.ts';
import { ChildProgram } from '../processes/child-program.ts';
import { cached, hashOf } from './cache.ts';
import { type Java, findMaven } from './java.ts';
import { javaArgs } from './jvm-server.ts';

/** Of the storage that only shows what new storage begins with. */
const FORMAT_ID = 'sagafleet-storage-form';

/** Settings of Kafka's logging. */
export const LOGGING_FILE = packageFile('java/log4j2.properties');

/** Named in full: by its prefix alone Maven would first fetch what it knows of a dozen other plugins. */
const PLUGIN = 'org.apache.maven.plugins:maven-dependency-plugin:3.9.0';

const PROGRESS_INTERVAL_MS = 2_000;

export interface FetchContext {
  cacheDir: string;
  env: Environment;
  java: Java;
  onProgress: (text: string) => void;
}

/** Apache Kafka as fetched. */
export interface KafkaFiles {
  /** Names the version. */
  folder: string;
  classPath: string;
  /** The feature levels that new storage begins with. */
  bootstrapCheckpoint: string;
}

/** Fetches Apache Kafka once: broker, tools and clients. */
export async function fetchKafka(context: FetchContext): Promise<KafkaFiles> {
  const pom = packageFile('maven/kafka/pom.xml');
  const folder = await cached(context.cacheDir, `kafka-${hashOf(readFileSync(pom, 'utf8'))}`, async (unfinished) => {
    await runMaven(context, { title: 'Apache Kafka', pom, folder: unfinished, goal: 'copy-dependencies', output: 'jars' });
    await formatStorage(context.java, unfinished);
  });
  return { folder, classPath: join(folder, 'jars/*'), bootstrapCheckpoint: join(folder, 'storage/bootstrap.checkpoint') };
}

/** Apicurio Registry as fetched. */
export interface RegistryFiles {
  /** Names the version. */
  folder: string;
  /** Folder of the distribution. */
  home: string;
}

/** Fetches Apicurio Registry once. */
export async function fetchRegistry(context: FetchContext): Promise<RegistryFiles> {
  const pom = packageFile('maven/registry/pom.xml');
  const folder = await cached(context.cacheDir, `registry-${hashOf(readFileSync(pom, 'utf8'))}`, async (unfinished) => {
    await runMaven(context, { title: 'Apicurio Registry', pom, folder: unfinished, goal: 'unpack-dependencies', output: 'app' });
  });
  return { folder, home: join(folder, 'app') };
}

/**
 * Fetches the jars that a pom names, once, with all that they need.
 * @param title stands for them in messages
 * @returns their class path
 */
export async function fetchJars(context: FetchContext, title: string, pom: string): Promise<string> {
  const folder = await cached(context.cacheDir, `jars-${hashOf(readFileSync(pom, 'utf8'))}`, (unfinished) =>
    runMaven(context, { title, pom, folder: unfinished, goal: 'copy-dependencies', output: 'jars' }),
  );
  return join(folder, 'jars/*');
}

/** Path of a file that is part of this package, the same from `src/` and from `dist/`. */
export function packageFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Formats a storage folder with Kafka's own tool, for every later one to be made after. */
async function formatStorage(java: Java, folder: string): Promise<void> {
  const settings = join(folder, 'storage.properties');
  const lines = [
    'process.roles=broker,controller',
    'node.id=1',
    'controller.quorum.voters=1@127.0.0.1:9093',
    'controller.listener.names=CONTROLLER',
    'listeners=PLAINTEXT://127.0.0.1:9092,CONTROLLER://127.0.0.1:9093',
    `log.dirs=${join(folder, 'storage')}`,
  ];
  writeFileSync(settings, lines.join('\n'));
  const program = [`-Dlog4j.configurationFile=${LOGGING_FILE}`, 'kafka.tools.StorageTool', 'format', '-t', FORMAT_ID, '-c', settings];
  await promisify(execFile)(java.java, javaArgs(join(folder, 'jars/*'), program), { env: {} });
}

interface MavenRun {
  title: string;
  pom: string;
  /** Maven works here, since the plugin leaves marks beside the pom. */
  folder: string;
  /** Of the dependency plugin. */
  goal: string;
  /** Folder in `folder` for the outcome. */
  output: string;
}

async function runMaven(context: FetchContext, run: MavenRun): Promise<void> {
  const { title, folder } = run;
  const report = new DownloadReport(title, context.onProgress);
  copyFileSync(run.pom, join(folder, 'pom.xml'));
  mkdirSync(join(folder, run.output));
  const logFile = join(context.cacheDir, 'maven.log');
  context.onProgress(`fetching ${title} (once)`);
  const errors: string[] = [];
  const maven = new ChildProgram({
    name: 'Maven',
    command: findMaven(context.env),
    // Not in batch mode, in which it would not tell how much of a file has arrived
    args: ['-f', join(folder, 'pom.xml'), '-Dstyle.color=never', `${PLUGIN}:${run.goal}`, `-DoutputDirectory=${join(folder, run.output)}`],
    env: { ...context.env, JAVA_HOME: context.java.home },
    cwd: folder,
    logFile,
    onLine: (line) => {
      report.read(line);
      if (line.startsWith('[ERROR]')) errors.push(line.replace('[ERROR] ', '').replace(/ -> \[Help 1\]$/, ''));
    },
  });
  const exit = await maven.exited;
  if (exit.code === 0) return;
  const reason = errors[0] ?? 'it said nothing';
  throw new LocalError(
    'fetch-failed',
    `${title} could not be fetched by Maven, all of whose output is in ${logFile}: ${reason}\n` +
      'check the network and its proxy settings, then start again: finished downloads are retained',
  );
}

/** Turns Maven's own lines about downloads into a line now and then. */
class DownloadReport {
  readonly #title: string;
  readonly #onProgress: (text: string) => void;
  #files = 0;
  #bytes = 0;
  #lastAt = 0;

  constructor(title: string, onProgress: (text: string) => void) {
    this.#title = title;
    this.#onProgress = onProgress;
  }

  read(line: string): void {
    const arrived = /^Downloaded from \S+: \S+ \(([\d.]+) ([kMG]?B)/.exec(line.trim());
    if (arrived) {
      this.#files += 1;
      this.#bytes += Number(arrived[1]) * ({ B: 1, kB: 1e3, MB: 1e6, GB: 1e9 }[arrived[2] ?? 'B'] ?? 1);
    }
    const underWay = /^Progress \(\d+\): (.+)/.exec(line.trim())?.[1];
    if ((!arrived && underWay === undefined) || Date.now() - this.#lastAt < PROGRESS_INTERVAL_MS) return;
    this.#lastAt = Date.now();
    const current = underWay === undefined ? '' : `, and ${underWay.trim()} of the next`;
    this.#onProgress(`fetching ${this.#title}: ${this.#files} files, ${(this.#bytes / 1e6).toFixed(1)} MB${current}`);
  }
}

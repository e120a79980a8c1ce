import { execFile } from 'node:child_process';
import { accessSync, constants, globSync, readFileSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Environment } from '../environment.ts';
import { LocalError } from '../errors.ts';

/** Apicurio Registry 3 needs 21; Kafka 4 would do with 17. */
const OLDEST_JAVA = 21;

/** A Java development kit: home folder, its programs, and its version as "25.0.3". */
export interface Java {
  home: string;
  java: string;
  javac: string;
  version: string;
}

interface Place {
  where: string;
  home: string;
}

/** The usual folders of JDKs on Linux and macOS, as glob patterns. */
function jdkFolders(env: Environment): string[] {
  const ofUser = ['.sdkman/candidates/java/*', '.jdks/*'].map((folder) => join(env['HOME'] ?? '/', folder));
  return [
    '/usr/lib/jvm/*',
    '/usr/java/*',
    '/opt/java/*',
    '/Library/Java/JavaVirtualMachines/*/Contents/Home',
    '/opt/homebrew/opt/openjdk*',
    '/usr/local/opt/openjdk*',
    ...ofUser,
  ];
}

/** The usual folders of Maven, as glob patterns. */
function mavenFolders(env: Environment): string[] {
  return ['/usr/share/maven', '/opt/maven', '/opt/apache-maven*', '/opt/homebrew/opt/maven', '/usr/local/opt/maven'].concat(
    join(env['HOME'] ?? '/', '.sdkman/candidates/maven/*'),
  );
}

/**
 * The first JDK that is new enough of JAVA_HOME, PATH and the usual folders.
 * @throws LocalError java-missing with all that was found
 */
export async function findJava(env: Environment, folders = jdkFolders(env)): Promise<Java> {
  const found: string[] = [];
  const seen = new Set<string>();
  for (const { where, home } of javaPlaces(env, folders)) {
    if (seen.has(home)) continue;
    seen.add(home);
    const java = join(home, 'bin/java');
    const version = await readVersion(home);
    if (version === undefined) {
      found.push(`${where}: ${java} does not run`);
      continue;
    }
    const javac = join(home, 'bin/javac');
    const newEnough = Number.parseInt(version, 10) >= OLDEST_JAVA;
    if (newEnough && isProgram(javac)) return { home, java, javac, version };
    found.push(`${where}: ${home} is ${version}${newEnough ? ', but only a runtime, without javac' : ''}`);
  }
  const report = found.length === 0 ? 'none was found in JAVA_HOME, PATH and the usual folders' : `found were\n  ${found.join('\n  ')}`;
  throw new LocalError(
    'java-missing',
    `a JDK ${OLDEST_JAVA} or newer is needed to run Kafka and the schema registry; ${report}\n` +
      `install one (Debian, Ubuntu: apt install openjdk-${OLDEST_JAVA}-jdk; macOS: brew install openjdk; others: https://adoptium.net) ` +
      'or point JAVA_HOME to one',
  );
}

/**
 * Path of the `mvn` program.
 * @throws LocalError maven-missing
 */
export function findMaven(env: Environment, folders = mavenFolders(env)): string {
  const homes = [env['MAVEN_HOME'], env['M2_HOME']].filter((home) => home !== undefined);
  const places = [
    ...homes.map((home) => join(home, 'bin/mvn')),
    ...pathFolders(env).map((folder) => join(folder, 'mvn')),
    ...globSync(folders).map((home) => join(home, 'bin/mvn')),
  ];
  const maven = places.find(isProgram);
  if (maven !== undefined) return maven;
  throw new LocalError(
    'maven-missing',
    'Maven is needed once, to fetch Kafka and the schema registry; there is no mvn in MAVEN_HOME, M2_HOME, PATH and the usual folders\n' +
      'install it (Debian, Ubuntu: apt install maven; macOS: brew install maven; others: https://maven.apache.org) or point MAVEN_HOME to it',
  );
}

function javaPlaces(env: Environment, folders: string[]): Place[] {
  const places: Place[] = [];
  if (env['JAVA_HOME']) places.push({ where: 'JAVA_HOME', home: env['JAVA_HOME'] });
  for (const folder of pathFolders(env)) {
    const java = join(folder, 'java');
    if (isProgram(java)) places.push({ where: 'PATH', home: dirname(dirname(realpathSync(java))) });
  }
  for (const folder of globSync(folders).sort()) {
    // Homebrew keeps the JDK further down on macOS
    const homes = [folder, join(folder, 'libexec/openjdk.jdk/Contents/Home')];
    const home = homes.find((candidate) => isProgram(join(candidate, 'bin/java')));
    if (home !== undefined) places.push({ where: dirname(folder), home: realpathSync(home) });
  }
  return places;
}

/** From the file that every JDK has, since a start of Java costs a tenth of a second; else from the program. */
async function readVersion(home: string): Promise<string | undefined> {
  try {
    const version = /^JAVA_VERSION="(.+)"/m.exec(readFileSync(join(home, 'release'), 'utf8'))?.[1];
    if (version !== undefined && isProgram(join(home, 'bin/java'))) return version;
  } catch {
    // No such file: a JDK of an unusual make
  }
  try {
    const { stderr, stdout } = await promisify(execFile)(join(home, 'bin/java'), ['-version'], { timeout: 10_000 });
    return /version "(?:1\.)?([^"]+)"/.exec(stderr + stdout)?.[1];
  } catch {
    return undefined;
  }
}

function pathFolders(env: Environment): string[] {
  return (env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { findJava, findMaven } from './java.ts';

let machine: string;

beforeEach(() => {
  machine = mkdtempSync(join(tmpdir(), 'sagafleet-java-'));
});

afterEach(() => {
  rmSync(machine, { recursive: true });
});

function install(path: string, script = ''): string {
  const file = join(machine, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

function installJava(home: string, version: string): string {
  install(`${home}/bin/java`, `echo 'openjdk version "${version}" 2026-01-01' >&2`);
  return join(machine, home);
}

function installJdk(home: string, version: string): string {
  install(`${home}/bin/javac`);
  return installJava(home, version);
}

describe('findJava', () => {
  test('takes JAVA_HOME before PATH', async () => {
    const home = installJdk('a', '25.0.3');
    installJdk('b', '21.0.8');
    const java = await findJava({ JAVA_HOME: home, PATH: join(machine, 'b/bin') }, []);
    expect(java).toEqual({ home, java: join(home, 'bin/java'), javac: join(home, 'bin/javac'), version: '25.0.3' });
  });

  test('passes an older one for a newer one in the usual folders', async () => {
    installJdk('old', '17.0.15');
    const home = installJdk('jvm/jdk-21', '21.0.8');
    const java = await findJava({ PATH: join(machine, 'old/bin') }, [join(machine, 'jvm/*')]);
    expect(java.home).toBe(home);
  });

  test('finds one inside the folder of Homebrew', async () => {
    const home = installJdk('opt/openjdk/libexec/openjdk.jdk/Contents/Home', '25');
    expect((await findJava({}, [join(machine, 'opt/openjdk*')])).home).toBe(home);
  });

  test('reads the version from the release file without running it', async () => {
    const home = installJdk('jdk', '1.0');
    writeFileSync(join(home, 'release'), 'IMPLEMENTOR="x"\nJAVA_VERSION="25.0.1"\n');
    expect((await findJava({ JAVA_HOME: home }, [])).version).toBe('25.0.1');
  });

  test('tells what was found where, and what to install', async () => {
    const old = installJdk('old', '1.8.0_402');
    const runtime = installJava('runtime', '21.0.8');
    const broken = join(machine, 'broken');
    install('broken/bin/java', 'exit 1');
    const env = { JAVA_HOME: broken, PATH: `${join(old, 'bin')}:${join(runtime, 'bin')}` };
    await expect(findJava(env, [])).rejects.toMatchObject({
      code: 'java-missing',
      message:
        'a JDK 21 or newer is needed to run Kafka and the schema registry; found were\n' +
        `  JAVA_HOME: ${broken}/bin/java does not run\n` +
        `  PATH: ${old} is 8.0_402\n` +
        `  PATH: ${runtime} is 21.0.8, but only a runtime, without javac\n` +
        'install one (Debian, Ubuntu: apt install openjdk-21-jdk; macOS: brew install openjdk; others: https://adoptium.net) ' +
        'or point JAVA_HOME to one',
    });
  });

  test('says so where there is none', async () => {
    await expect(findJava({}, [])).rejects.toThrow('none was found in JAVA_HOME, PATH and the usual folders');
  });
});

describe('findMaven', () => {
  test('takes MAVEN_HOME before PATH before the usual folders', () => {
    const env = { MAVEN_HOME: join(machine, 'home'), PATH: join(machine, 'path') };
    const folders = [join(machine, 'opt/*')];
    const usual = install('opt/maven-3/bin/mvn');
    expect(findMaven(env, folders)).toBe(usual);
    const onPath = install('path/mvn');
    expect(findMaven(env, folders)).toBe(onPath);
    const named = install('home/bin/mvn');
    expect(findMaven(env, folders)).toBe(named);
  });

  test('tells what to install', () => {
    expect(() => findMaven({ PATH: machine }, [])).toThrow(/no mvn in MAVEN_HOME, M2_HOME, PATH.*\n.*apt install maven/);
  });
});

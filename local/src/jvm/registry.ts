import { join } from 'node:path';
import type { LocalError } from '../errors.ts';
import type { RegistryFiles } from './fetch.ts';
import type { Java } from './java.ts';
import { JvmServer } from './jvm-server.ts';

/**
 * All of the distribution on one class path. Its own launcher (`java -jar quarkus-run.jar`) loads classes in a way that
 * archives of class data do not cover, and needs twice the time.
 */
const CLASS_PATH = ['quarkus/transformed-bytecode.jar', 'quarkus/generated-bytecode.jar', 'app/*', 'lib/boot/*', 'lib/main/*'];

export interface RegistryOptions {
  java: Java;
  files: RegistryFiles;
  /** Keeps the schemas; what it holds from an earlier run is served again. */
  dataDir: string;
  logsDir: string;
  jvmOptions?: readonly string[];
  onCrash: (error: LocalError) => void;
}

/** Apicurio Registry on a port of loopback that it takes itself. */
export class ApicurioRegistry extends JvmServer {
  #url: string | undefined;

  constructor(options: RegistryOptions) {
    super({
      name: 'registry',
      java: options.java,
      classPath: CLASS_PATH.map((part) => join(options.files.home, part)).join(':'),
      program: [...(options.jvmOptions ?? []), '-Xmx256m', ...settings(options.dataDir), 'io.quarkus.runner.GeneratedMain'],
      ready: /Listening on: (http:\/\/127\.0\.0\.1:\d+)/,
      logFile: join(options.logsDir, 'registry.log'),
      onCrash: options.onCrash,
    });
  }

  /** "http://127.0.0.1:40123" while it serves; another one after each start. */
  get url(): string | undefined {
    return this.pid === undefined ? undefined : this.#url;
  }

  override async start(): Promise<RegExpExecArray> {
    this.#url = undefined;
    const match = await super.start();
    this.#url = match[1];
    return match;
  }
}

function settings(dataDir: string): string[] {
  const properties = {
    'quarkus.http.host': '127.0.0.1',
    'quarkus.http.port': '0',
    'quarkus.management.host': '127.0.0.1',
    'quarkus.management.port': '0',
    // Without the delay, in which a killed registry would lose what it has confirmed
    'apicurio.datasource.url': `jdbc:h2:file:${join(dataDir, 'registry')};WRITE_DELAY=0`,
    'apicurio.datasource.jdbc.initial-size': '1',
    'apicurio.datasource.jdbc.min-size': '1',
    // As Confluent's registry has them: its compatibility level, and deletion allowed
    'apicurio.rules.global.compatibility': 'BACKWARD',
    'apicurio.rest.deletion.artifact.enabled': 'true',
    'apicurio.rest.deletion.artifact-version.enabled': 'true',
  };
  return Object.entries(properties).map(([key, value]) => `-D${key}=${value}`);
}

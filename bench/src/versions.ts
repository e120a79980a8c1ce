/** What took part in a run, by version. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Platform } from '@sagafleet/local';
import type { SubjectName } from './entrant.ts';

/** Where a peer's version stands, below `bench/`. */
const PINNED: Record<SubjectName, { file: string; pattern: RegExp }> = {
  sagafleet: { file: 'package.json', pattern: /"@sagafleet\/cli": "([^"]+)"/ },
  kafkajs: { file: 'package.json', pattern: /"kafkajs": "([^"]+)"/ },
  'kafka-streams': { file: 'peers/kafka-streams/pom.xml', pattern: /kafka-streams<\/artifactId>\s*<version>([^<]+)/ },
  'franz-go': { file: 'peers/franz-go/go.mod', pattern: /twmb\/franz-go v(\S+)/ },
  'platformatic-kafka': { file: 'package.json', pattern: /"@platformatic\/kafka": "([^"]+)"/ },
  'confluent-kafka-javascript': {
    file: 'peers/confluent-kafka-javascript/package.json',
    pattern: /"@confluentinc\/kafka-javascript": "([^"]+)"/,
  },
};

export function versionsOf({ tools }: Platform, subjects: readonly SubjectName[]): Record<string, string> {
  const peers = subjects.map((name): [string, string] => [name, pinnedVersionOf(name)]);
  return {
    Kafka: brokerVersion(tools.files.classPath),
    Java: tools.java.version,
    Node: process.versions.node,
    ...Object.fromEntries(peers),
  };
}

export function pinnedVersionOf(subject: SubjectName): string {
  const { file, pattern } = PINNED[subject];
  return pattern.exec(readFileSync(fileURLToPath(new URL(`../${file}`, import.meta.url)), 'utf8'))?.[1] ?? 'unknown';
}

/** @param classPath "FOLDER/*" */
function brokerVersion(classPath: string): string {
  const versions = readdirSync(dirname(classPath)).map((jar) => /^kafka-clients-([\d.]+)\.jar$/.exec(jar)?.[1]);
  return versions.find((version) => version !== undefined) ?? 'unknown';
}

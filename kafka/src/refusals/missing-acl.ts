/** Which ACL is missing where a broker says no: it names the kind of resource alone. */
import type { KafkaConnection } from '../kafkajs/create-kafka.ts';

export type AclOperation = 'READ' | 'WRITE' | 'CREATE' | 'ALTER' | 'DESCRIBE' | 'DESCRIBE_CONFIGS' | 'ALTER_CONFIGS' | 'IDEMPOTENT_WRITE';

interface OnResources {
  operations: readonly AclOperation[];
  names: readonly string[];
}

/** What a request has to be allowed, by kind of resource. */
export interface NeededAcls {
  topic?: OnResources;
  group?: OnResources;
  transactionalId?: OnResources;
  cluster?: Pick<OnResources, 'operations'>;
}

const REFUSED: Record<string, { kind: keyof NeededAcls; title: string }> = {
  TOPIC_AUTHORIZATION_FAILED: { kind: 'topic', title: 'topic' },
  GROUP_AUTHORIZATION_FAILED: { kind: 'group', title: 'group' },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: { kind: 'transactionalId', title: 'transactional id' },
  CLUSTER_AUTHORIZATION_FAILED: { kind: 'cluster', title: 'the cluster' },
};

/** Deeper than any error is wrapped. */
const MAX_CAUSES = 10;

/**
 * What to grant, as it reads after a comma; null where `error`, or what caused it, is not about a right.
 * @param principal who connects, as ACLs name it
 */
export function missingAcl(error: unknown, needed: NeededAcls, principal: string): string | null {
  const refused = REFUSED[typeOf(error) ?? ''];
  if (!refused) return null;
  const acl: Partial<OnResources> | undefined = needed[refused.kind];
  if (!acl) return `grant it on ${refused.title} by an ACL to ${principal}`;
  const { operations = [], names = [] } = acl;
  return `grant ${list(operations)} on ${[refused.title, list(names)].join(' ').trim()} to ${principal}`;
}

/** Whether it, or what caused it, is about a right that is missing. */
export function isNotAuthorized(error: unknown): boolean {
  return REFUSED[typeOf(error) ?? ''] !== undefined;
}

/** Who connects, by Kafka's default `principal.builder.class`; TLS has no client certificates here. */
export function principalOf({ sasl }: Pick<KafkaConnection, 'sasl'>): string {
  return `User:${sasl ? sasl.username : 'ANONYMOUS'}`;
}

function typeOf(error: unknown): string | undefined {
  for (let at = error, depth = 0; at instanceof Error && depth < MAX_CAUSES; at = at.cause, depth++) {
    const { type } = at as { type?: string };
    if (type !== undefined) return type;
  }
  return undefined;
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join() : `${words.slice(0, -1).join(', ')} and ${words.at(-1)!}`;
}

/** A broker of its own with an authorizer: every client logs in, and may do only what is granted. */
import { createKafka, type KafkaConnection } from '@sagafleet/kafka';
import { startOwnBroker } from './own-broker.ts';
import { until } from './until.ts';

const ADMIN = 'admin';
/** Anybody who connects with a name of these and the password may connect, and nothing else. */
const USERS = Array.from({ length: 20 }, (_, at) => `user-${at}`);
const PASSWORD = 'secret';

const LOGIN =
  `org.apache.kafka.common.security.plain.PlainLoginModule required username="${ADMIN}" password="${PASSWORD}" ` +
  `${[ADMIN, ...USERS].map((user) => `user_${user}="${PASSWORD}"`).join(' ')};`;

const PROPERTIES = {
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT',
  'sasl.enabled.mechanisms': 'PLAIN',
  'sasl.mechanism.inter.broker.protocol': 'PLAIN',
  'listener.name.plaintext.plain.sasl.jaas.config': LOGIN,
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  // Nobody is anonymous but brokers among themselves
  'super.users': `User:${ADMIN};User:ANONYMOUS`,
};

/** Kafka's numbers (KIP-140). */
const RESOURCES = { topic: 2, group: 3, cluster: 4, 'transactional id': 5 };
const OPERATIONS = { READ: 3, WRITE: 4, CREATE: 5, ALTER: 7, DESCRIBE: 8, DESCRIBE_CONFIGS: 10, ALTER_CONFIGS: 11, IDEMPOTENT_WRITE: 12 };
const [ALLOW, LITERAL] = [3, 3];
const CLUSTER = 'kafka-cluster';
/** 1 is "any" in all of Kafka's lists. */
const ANY = { resourceType: 1, operation: 1, permissionType: 1, resourcePatternType: 1 };

/** As in `READ group default.payment`; a cluster has no name. */
export type Grant = `${keyof typeof OPERATIONS} ${keyof typeof RESOURCES}${'' | ` ${string}`}`;

export interface LoggedIn extends KafkaConnection {
  sasl: NonNullable<KafkaConnection['sasl']>;
}

export class GuardedBroker {
  readonly admin: KafkaConnection;
  readonly stop: () => Promise<void>;
  #users = 0;

  private constructor(brokers: string, stop: () => Promise<void>) {
    this.admin = connectionAs(ADMIN, brokers);
    this.stop = stop;
  }

  static async start(): Promise<GuardedBroker> {
    const platform = await startOwnBroker(PROPERTIES);
    return new GuardedBroker(platform.brokers, platform.stop);
  }

  /** A connection of a new user, who may do this. */
  async connectionWith(...grants: Grant[]): Promise<LoggedIn> {
    const connection = connectionAs(USERS[this.#users++]!, this.admin.brokers[0]!);
    if (grants.length > 0) await this.grant(connection.sasl.username, grants);
    return connection;
  }

  /** Resolves when the broker has learned of it, shortly after its controller has acknowledged it. */
  async grant(user: string, grants: readonly Grant[]): Promise<void> {
    const admin = createKafka(this.admin, { log: () => {} }).admin();
    await admin.connect();
    await admin.createAcls({ acl: grants.map((grant) => toAcl(user, grant)) });
    await until(`ACLs of ${user}`, async () => {
      const { resources } = await admin.describeAcls({ ...ANY, principal: `User:${user}` });
      return resources.flatMap(({ acls }) => acls).length >= grants.length;
    });
    await admin.disconnect();
  }
}

function connectionAs(username: string, broker: string): LoggedIn {
  return { brokers: [broker], tls: false, sasl: { mechanism: 'plain', username, password: PASSWORD }, clientId: 'test' };
}

function toAcl(user: string, grant: Grant) {
  const [, operation, resource, resourceName] = /^(\S+) (topic|group|cluster|transactional id) ?(.*)$/.exec(grant)!;
  return {
    principal: `User:${user}`,
    host: '*',
    permissionType: ALLOW,
    resourcePatternType: LITERAL,
    operation: OPERATIONS[operation as keyof typeof OPERATIONS],
    resourceType: RESOURCES[resource as keyof typeof RESOURCES],
    resourceName: resourceName || CLUSTER,
  };
}

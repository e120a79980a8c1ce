import { ConfigResourceTypes } from '../kafkajs/kafkajs.ts';
import type { Session } from '../kafkajs/session.ts';

/** What brokers are set to, by one of them; null where it knows no such setting. */
export function brokerSetting(session: Session, name: string): Promise<string | null> {
  return session.run(`read the brokers' ${name}`, { cluster: { operations: ['DESCRIBE_CONFIGS'] } }, async () => {
    const {
      brokers: [broker],
    } = await session.admin.describeCluster();
    const { resources } = await session.admin.describeConfigs({
      resources: [{ type: ConfigResourceTypes.BROKER, name: String(broker!.nodeId), configNames: [name] }],
      includeSynonyms: false,
    });
    return resources[0]?.configEntries[0]?.configValue ?? null;
  });
}

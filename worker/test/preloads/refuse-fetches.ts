/** Loaded before a worker: every fetch fails in a way that kafkajs takes for final. No repair is in this place. */
import { createRequire } from 'node:module';
import '@sagafleet/kafka';

const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/runner') as { prototype: { fetch(): Promise<never> } };
prototype.fetch = async () => {
  throw Object.assign(new Error('every fetch fails for good'), { name: 'KafkaJSNotImplemented', retriable: false });
};

/** Loaded before a worker: one of the repairs of kafkajs is undone. */
import { createRequire } from 'node:module';
import '@sagafleet/kafka';

const Cluster = createRequire(import.meta.url)('kafkajs/src/cluster') as { prototype: { retry: unknown } };
Cluster.prototype.retry = undefined;

/** Loaded before a worker: one of the repairs of kafkajs is undone. */
import { createRequire } from 'node:module';
import '@sagafleet/kafka';

const Connection = createRequire(import.meta.url)('kafkajs/src/network/connection') as { prototype: { connect: unknown } };
Connection.prototype.connect = undefined;

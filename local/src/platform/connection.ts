import type { KafkaConnection } from '@sagafleet/kafka';

/**
 * Connection settings without encryption and credentials.
 * @param brokers "host:port", several with commas between
 */
export function plainConnection(brokers: string): KafkaConnection {
  return { brokers: brokers.split(','), tls: false, sasl: null, clientId: 'sagafleet' };
}

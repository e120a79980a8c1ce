import { DEFAULT_VALUES, type OperatorValues } from '@sagafleet/operator';

/** The operator as it would be installed on this machine: everything unencrypted on loopback, one broker. */
export function localValues(brokers: string, registryUrl: string): OperatorValues {
  return {
    ...DEFAULT_VALUES,
    kafka: { default: { brokers: brokers.split(','), tls: false, sasl: null } },
    registry: { default: { url: registryUrl, secretRef: null } },
    topicManager: 'admin',
  };
}

import type { Consequence } from '@sagafleet/schemas';

export type KafkaErrorCode =
  | 'no-broker'
  | 'not-authenticated'
  | 'not-authorized'
  | 'unknown-topic'
  | 'invalid-topic'
  | 'group-in-use'
  | 'offset-not-committed'
  | 'record-too-large'
  | 'unavailable'
  | 'refused'
  | 'not-hardened';

const CONSEQUENCES: Record<KafkaErrorCode, Consequence> = {
  'no-broker': 'systemic',
  'not-authenticated': 'systemic',
  'not-authorized': 'systemic',
  'unknown-topic': 'systemic',
  'invalid-topic': 'permanent',
  'group-in-use': 'transient',
  'offset-not-committed': 'transient',
  'record-too-large': 'permanent',
  unavailable: 'systemic',
  refused: 'systemic',
  'not-hardened': 'fatal',
};

export class KafkaError extends Error {
  readonly code: KafkaErrorCode;
  readonly consequence: Consequence;

  constructor(code: KafkaErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'KafkaError';
    this.code = code;
    this.consequence = CONSEQUENCES[code];
  }
}

import type { Consequence } from '@sagafleet/schemas';

export type KafkaErrorCode =
  | 'NoBroker'
  | 'NotAuthenticated'
  | 'NotAuthorized'
  | 'UnknownTopic'
  | 'InvalidTopic'
  | 'GroupInUse'
  | 'OffsetNotCommitted'
  | 'RecordTooLarge'
  | 'Unavailable'
  | 'Refused'
  | 'NotHardened';

const CONSEQUENCES: Record<KafkaErrorCode, Consequence> = {
  NoBroker: 'systemic',
  NotAuthenticated: 'systemic',
  NotAuthorized: 'systemic',
  UnknownTopic: 'systemic',
  InvalidTopic: 'permanent',
  GroupInUse: 'transient',
  OffsetNotCommitted: 'transient',
  RecordTooLarge: 'permanent',
  Unavailable: 'systemic',
  Refused: 'systemic',
  NotHardened: 'fatal',
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

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

/**
 * What the failure means to a caller: `transient` goes away by itself, `permanent` never does for this
 * request, `systemic` needs someone to change the cluster or the settings, `fatal` ends the process.
 */
export type KafkaConsequence = 'permanent' | 'transient' | 'systemic' | 'fatal';

const CONSEQUENCES: Record<KafkaErrorCode, KafkaConsequence> = {
  NoBroker: 'transient',
  NotAuthenticated: 'systemic',
  NotAuthorized: 'systemic',
  UnknownTopic: 'systemic',
  InvalidTopic: 'permanent',
  GroupInUse: 'transient',
  OffsetNotCommitted: 'transient',
  RecordTooLarge: 'permanent',
  Unavailable: 'transient',
  Refused: 'systemic',
  NotHardened: 'fatal',
};

export class KafkaError extends Error {
  readonly code: KafkaErrorCode;
  readonly consequence: KafkaConsequence;

  constructor(code: KafkaErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'KafkaError';
    this.code = code;
    this.consequence = CONSEQUENCES[code];
  }
}

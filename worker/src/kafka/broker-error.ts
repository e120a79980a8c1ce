import { messageOf, WorkerError } from '../errors.ts';

const TOO_LARGE = ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'];
/** What a broker validates, and so refuses again however often it is sent. */
const REFUSED = 'INVALID_RECORD';

/** The protocol's name of what the broker said; kafkajs wraps it in one or two errors of its own. */
export function brokerErrorType(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { type } = at as { type?: string };
    if (type) return type;
  }
  return undefined;
}

export function rethrowSendError(topic: string): (error: unknown) => never {
  return (error) => {
    if (TOO_LARGE.includes(brokerErrorType(error) ?? '')) {
      throw new WorkerError('output-too-large', 'permanent',
        `topic ${topic} takes no record of this size, raise its max.message.bytes`, { cause: error });
    }
    if (brokerErrorType(error) === REFUSED) {
      throw new WorkerError('output-refused', 'permanent',
        `topic ${topic} refuses the record; one that is compacted takes none without a key`, { cause: error });
    }
    throw new WorkerError('broker-unavailable', 'systemic', `cannot write to ${topic}: ${messageOf(error)}`, { cause: error });
  };
}

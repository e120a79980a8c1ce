import { createErrorFromCode, type ProtocolRequest } from '../kafkajs/private-shape.ts';
import { WireReader, WireWriter } from './flexible.ts';

export interface Api {
  apiKey: number;
  apiVersion: number;
  apiName: string;
}

/** What every answer may say: the broker wants less from this client. */
interface Throttled {
  clientSideThrottleTime: number;
}

/** A request of a flexible version, whose answer begins with the throttle time in milliseconds. */
export function flexibleRequest<Answer extends object>(
  api: Api,
  write: (writer: WireWriter) => void,
  read: (reader: WireReader) => Answer,
): ProtocolRequest<Answer & Throttled> {
  return {
    request: {
      ...api,
      encode: async () => {
        const writer = WireWriter.ofRequest();
        write(writer);
        return { parts: [writer.tags().written] };
      },
    },
    response: {
      decode: async (payload) => {
        const reader = WireReader.ofResponse(payload);
        const clientSideThrottleTime = reader.int32();
        return { ...read(reader), clientSideThrottleTime };
      },
      parse: async (answer) => answer,
    },
  };
}

/** Codes of later versions than those that kafkajs knows. */
const LATER_CODES: Record<number, string> = {
  88: 'UNSTABLE_OFFSET_COMMIT',
  90: 'PRODUCER_FENCED',
  100: 'UNKNOWN_TOPIC_ID',
  103: 'INCONSISTENT_TOPIC_ID',
  105: 'TRANSACTIONAL_ID_NOT_FOUND',
};

/** What a broker answered instead; `type` is the protocol's name of the error code. */
class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly type: string;

  constructor(type: string, message: string) {
    super(message);
    this.type = type;
  }
}

/** kafkajs' error for a code that it knows. */
export function errorOf(code: number): Error & { type?: string } {
  const later = LATER_CODES[code];
  return later === undefined ? createErrorFromCode(code) : new ProtocolError(later, later.toLowerCase().replaceAll('_', ' '));
}

export function throwUnlessOk(code: number): void {
  if (code !== 0) throw errorOf(code);
}

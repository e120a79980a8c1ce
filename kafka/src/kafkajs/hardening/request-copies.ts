import type { Override } from './override.ts';

interface Encoded {
  buffer: Buffer;
}
/** Ours may leave the parts to be put together here. */
type Payload = Encoded | { parts: Buffer[] };
interface RequestToSend {
  correlationId: number;
  clientId: string;
  request: { apiKey: number; apiVersion: number; encode(): Promise<Payload> };
}

/** Size, api key, api version, correlation id, and the length of the client id. */
const HEAD_BYTES = 4 + 2 + 2 + 4 + 2;

/**
 * A request as it goes over the wire (Kafka protocol guide, "Request Header v1").
 *
 * kafkajs copies a request twice, each time into a buffer that it has cleared and that may be twice as
 * large as the request. Here it is copied once.
 */
async function createRequest({ correlationId, clientId, request: { apiKey, apiVersion, encode } }: RequestToSend): Promise<Encoded> {
  const payload = await encode();
  const parts = 'parts' in payload ? payload.parts : [payload.buffer];
  const client = Buffer.from(clientId);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeInt32BE(HEAD_BYTES - 4 + client.length + parts.reduce((sum, { length }) => sum + length, 0), 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt16BE(apiVersion, 6);
  head.writeInt32BE(correlationId, 8);
  head.writeInt16BE(client.length, 12);
  return { buffer: Buffer.concat([head, client, ...parts]) };
}

const REQUEST = 'protocol/request';

export const requestCopies: Override = {
  name: 'request-copies',
  install: (internals) => internals.replace(REQUEST, () => createRequest),
  isActive: (internals) => internals.load(REQUEST) === createRequest,
};

import type { Override } from './override.ts';

interface Encoded { buffer: Buffer }
interface RequestToSend {
  correlationId: number;
  clientId: string;
  request: { apiKey: number; apiVersion: number; encode(): Promise<Encoded> };
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
  const { buffer: payload } = await encode();
  const client = Buffer.from(clientId);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeInt32BE(HEAD_BYTES - 4 + client.length + payload.length, 0);
  head.writeInt16BE(apiKey, 4);
  head.writeInt16BE(apiVersion, 6);
  head.writeInt32BE(correlationId, 8);
  head.writeInt16BE(client.length, 12);
  return { buffer: Buffer.concat([head, client, payload]) };
}

const REQUEST = 'protocol/request';

export const requestCopies: Override = {
  name: 'request-copies',
  install: (internals) => internals.replace(REQUEST, () => createRequest),
  isActive: (internals) => internals.load(REQUEST) === createRequest,
};

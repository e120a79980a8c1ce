/** `POST {path}` → check → append to the step's inbox topic → 202. From there it is an ordinary step. */
import { compileExpression, type CompiledExpression, type ExpressionContext } from '@sagafleet/expressions';
import { schemaIdOf, type AvroCodecs } from '@sagafleet/registry';
import { consequenceOf, TRACEPARENT, TRACESTATE, type IngressSettings, type WorkerSettings } from '@sagafleet/schemas';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { ListenAddress } from '../config.ts';
import type { AppendingProducer, Headers } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';
import type { Log } from '../log.ts';
import type { OutputTopics } from '../pipeline/output-topics.ts';
import type { StepProgram } from '../pipeline/program.ts';
import { BodyError, parseBody, rejectUnknownFields } from './body.ts';

const RETRY_AFTER_SECONDS = '2';

export interface IngressOptions {
  ingress: IngressSettings;
  outcomes: WorkerSettings['outcomes'];
  program: StepProgram;
  codecs: AvroCodecs;
  topics: Pick<OutputTopics, 'partitionFor'>;
  producer: AppendingProducer;
  now: () => number;
  log: Log;
}

interface Accepted {
  key: string;
  event: unknown;
  value: Buffer;
}

export async function serveIngress(options: IngressOptions, listen: ListenAddress): Promise<FastifyInstance> {
  const { ingress, now } = options;
  const keyOf = compileExpression(ingress.key, 'ingressKey', now);
  const server = Fastify({ bodyLimit: ingress.maxBodyBytes, forceCloseConnections: 'idle', return503OnClosing: true });
  server.removeAllContentTypeParsers();
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body);
  });
  server.setErrorHandler((error: FastifyError, _request, reply) => answerError(error, reply, options));
  server.setNotFoundHandler((request, reply) =>
    reply.code(404).send({ error: 'not-found', message: `there is no ${request.method} ${request.url}, POST to ${ingress.path}` }),
  );
  server.post(ingress.path, (request, reply) => accept(request, reply, options, keyOf));
  endConnectionsOnClose(server);
  await server.listen(listen).catch((error: unknown) => {
    // Taken by another process, or not allowed: waiting does not help
    throw new WorkerError('bad-settings', 'fatal', `cannot listen for events on ${listen.host}:${listen.port}: ${messageOf(error)}`, {
      cause: error,
    });
  });
  return server;
}

/** Idle connections are closed at once. One that is in use would stay for over a minute after its answer, and the worker with it. */
function endConnectionsOnClose(server: FastifyInstance): void {
  let isClosing = false;
  server.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  server.addHook('onSend', (_request, reply, payload, done) => {
    if (isClosing) reply.header('connection', 'close');
    done(null, payload);
  });
}

async function accept(
  request: FastifyRequest,
  reply: FastifyReply,
  options: IngressOptions,
  keyOf: CompiledExpression<string>,
): Promise<FastifyReply> {
  const {
    ingress: { inboxTopic: topic },
    topics,
    producer,
  } = options;
  const { key, event, value } = await check(request, options, keyOf);
  const reject = rejectionOf(key, event, options);
  if (reject) return reply.code(reject.http).send({ error: 'rejected', message: reject.message });
  const keyBytes = Buffer.from(key);
  const partition = topics.partitionFor(topic, keyBytes, 0);
  const offset = await producer.append({ topic, partition, key: keyBytes, value, constantHeaders: [], headers: traceHeaders(request) });
  return reply.code(202).send({ key, topic, partition, offset });
}

async function check(request: FastifyRequest, options: IngressOptions, keyOf: CompiledExpression<string>): Promise<Accepted> {
  const {
    ingress: { schema, unknownFields },
    codecs,
  } = options;
  const encoder = codecs.encoder(schema) ?? (await codecs.loadEncoder(schema));
  const body = parseBody(request.body as Buffer);
  if (unknownFields === 'Reject') rejectUnknownFields(encoder.unknownFields(body));
  const value = encoder.encode(body);
  const decoder = codecs.decoder(schemaIdOf(value), null) ?? (await codecs.loadDecoder(schemaIdOf(value), null));
  const event = decoder.decode(value);
  return { key: keyOf.evaluate({ event, headers: request.headers as Record<string, string> }), event, value };
}

/** The outcome is decided before the answer where it may be a refusal; an accepted event decides it again later. */
function rejectionOf(key: string, event: unknown, { program, outcomes, ingress, now }: IngressOptions) {
  if (!program.chooseOutcome || Object.values(outcomes).every(({ reject }) => reject === null)) return null;
  const context: ExpressionContext = {
    event,
    saga: { id: key },
    step: program.step,
    record: { topic: ingress.inboxTopic, partition: -1n, offset: -1n, timestamp: BigInt(now()), key, headers: {} },
  };
  return outcomes[program.chooseOutcome.evaluate(context)]?.reject ?? null;
}

function traceHeaders({ headers }: FastifyRequest): Headers {
  return [TRACEPARENT, TRACESTATE].flatMap((name) => {
    const value = headers[name];
    return typeof value === 'string' ? [[name, Buffer.from(value)] as const] : [];
  });
}

const CLIENT_ERRORS: Record<string, (options: IngressOptions) => string> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ({ ingress }) => `the body is larger than ${ingress.maxBodyBytes} bytes`,
  FST_ERR_CTP_INVALID_MEDIA_TYPE: () => 'send JSON with the header content-type: application/json',
  FST_ERR_CTP_EMPTY_JSON_BODY: () => 'the body is empty, send a JSON object',
};

/** 400 where the event is at fault, 503 where it may be sent again as it is: nothing was accepted. */
function answerError(error: FastifyError, reply: FastifyReply, options: IngressOptions): FastifyReply {
  const client = CLIENT_ERRORS[error.code];
  if (client) return reply.code(error.statusCode ?? 400).send({ error: 'bad-request', message: client(options) });
  if ((error as Error) instanceof WorkerError && error.code === 'output-too-large') {
    return reply.code(413).send({ error: 'bad-request', message: messageOf(error) });
  }
  // What is wrong with the request itself Fastify says in its own words
  if (error.code?.startsWith('FST_') && (error.statusCode ?? 500) < 500) {
    return reply.code(error.statusCode!).send({ error: 'bad-request', message: error.message });
  }
  const isBadEvent = error instanceof BodyError || consequenceOf(error) === 'permanent';
  if (isBadEvent) return reply.code(400).send({ error: 'bad-event', message: messageOf(error) });
  options.log.warn({ reason: messageOf(error) }, 'event not accepted');
  return reply
    .code(503)
    .header('retry-after', RETRY_AFTER_SECONDS)
    .send({ error: 'unavailable', message: 'event not accepted, Kafka or the registry does not answer; retry later' });
}

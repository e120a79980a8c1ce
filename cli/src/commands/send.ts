import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { sendRecord } from '@sagafleet/kafka';
import { plainConnection } from '@sagafleet/local';
import { AvroCodecs, exampleValue, parseSchema, RegistryClient, RegistryError } from '@sagafleet/registry';
import { Command, Option } from 'commander';
import {
  KAFKA_OPTIONS,
  parseCount,
  withConnectionOptions,
  withOutputOption,
  type ConnectionOptions,
  type OutputFormat,
} from '../connections.ts';
import { CliError } from '../errors.ts';
import type { Io } from '../terminal/io.ts';
import { parseExactJson, toJson } from '../terminal/json.ts';

type Options = ConnectionOptions & {
  output: OutputFormat;
  json?: string;
  file?: string;
  example?: boolean;
  key?: string;
  subject?: string;
  count: number;
};

interface Sent {
  target: string;
  key: string | null;
  answer: unknown;
}

export function sendCommand(io: Io): Command {
  const command = new Command('send')
    .description('send an event to a topic, or to the HTTP ingress of a step')
    .argument('<target>', 'a topic, or a URL such as http://localhost:8080/orders')
    .addOption(new Option('--json <event>', 'the event as JSON').conflicts(['file', 'example']))
    .addOption(new Option('--file <path>', 'a file with the event as JSON').conflicts(['json', 'example']))
    .addOption(new Option('--example', 'generate a valid event from the schema'))
    .option('--key <text>', 'the record\'s key; default the first field whose name ends in "id"')
    .option('--subject <name>', 'subject of the schema; defaults to {topic}-value, for a URL to order_events-value')
    .option('--count <n>', 'number of events; with --example each one differs', parseCount, 1)
    .addHelpText(
      'after',
      `
Examples:
  sagafleet send http://localhost:8080/orders --example
  sagafleet send order_created --json '{"orderId":"42","userId":"7","status":"NEW","timestamp":0}'
`,
    );
  return withOutputOption(withConnectionOptions(command)).action(async (target: string, options: Options) => {
    for (let n = 0; n < options.count; n++) {
      const sent = await sendOne(target, n, options, io);
      io.stdout.write(
        options.output === 'json' ? `${toJson(sent)}\n` : `${sent.target}  ${sent.key ?? '(no key)'}  ${toJson(sent.answer)}\n`,
      );
    }
  });
}

async function sendOne(target: string, n: number, options: Options, io: Io): Promise<Sent> {
  const isUrl = /^https?:\/\//.test(target);
  const registry = new RegistryClient({ url: options.registry });
  const subject = options.subject ?? (isUrl ? 'order_events-value' : `${target}-value`);
  const event = await eventOf({ options, io, n, schema: () => registry.latest(subject).catch(hintAtSubject) });
  if (isUrl) return post(target, event);
  const encoder = await new AvroCodecs(registry).loadEncoder({ kind: 'subject', subject, version: 'latest' });
  const key = options.key ?? keyOf(event);
  const record = { topic: target, key, value: encoder.encode(event) };
  return { target, key, answer: await sendRecord(plainConnection(options.kafka), record, KAFKA_OPTIONS) };
}

interface EventQuestion {
  options: Options;
  io: Io;
  n: number;
  schema(): Promise<{ schema: string; dependencies: readonly string[] }>;
}

async function eventOf({ options, io, n, schema }: EventQuestion): Promise<unknown> {
  if (options.example) return exampleValue(parseSchema(await schema()), { sequence: (Date.now() % 1_000_000) + n, nowMs: Date.now() });
  const text = options.json ?? (options.file ? readFileSync(resolve(io.cwd, options.file), 'utf8') : undefined);
  if (text === undefined) throw new CliError('no-event', 'no event to send: use --json, --file or --example');
  try {
    return parseExactJson(text);
  } catch (error) {
    throw new CliError('no-event', `the event is not valid JSON: ${(error as Error).message}`, { cause: error });
  }
}

function hintAtSubject(error: Error): never {
  if (!(error instanceof RegistryError) || error.code !== 'subject-unknown') throw error;
  throw new CliError('no-event', `${error.message}: name the subject of the event's schema with --subject`, { cause: error });
}

async function post(url: string, event: unknown): Promise<Sent> {
  const response = await fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: toJson(event) }).catch(
    (error: unknown) => {
      throw new CliError('no-ingress', `nothing answers at ${url}, is the step with this ingress running`, { cause: error });
    },
  );
  const answer = (await response.json()) as { key?: string; message?: string };
  if (!response.ok) throw new CliError('no-ingress', `${url} answered ${response.status}: ${answer.message ?? toJson(answer)}`);
  return { target: url, key: answer.key ?? null, answer };
}

function keyOf(event: unknown): string | null {
  const found = Object.entries(event as Record<string, unknown>).find(([name]) => /id$/i.test(name));
  return found ? String(found[1]) : null;
}

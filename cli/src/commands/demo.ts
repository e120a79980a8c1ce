import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { plainConnection, type Session, untilReady } from '@sagafleet/local';
import { RegistryClient } from '@sagafleet/registry';
import { Command, Option } from 'commander';
import { parseCount, withOutputOption, type OutputFormat } from '../connections.ts';
import { isPerfect, ORDER_TOPICS, type Verdict } from '../demo/judge.ts';
import { runDemo, type DemoResult } from '../demo/run-demo.ts';
import { loadSteps } from '../manifests/load-steps.ts';
import { runSession } from '../session/run-session.ts';
import { toSessionOptions, withSessionOptions, type SessionFlags } from '../session/session-options.ts';
import { EXIT } from '../terminal/exit-codes.ts';
import type { Io } from '../terminal/io.ts';
import { colorsFor, Progress, table } from '../terminal/terminal.ts';
import { formatTimeline, readTimelines } from '../timeline.ts';

const SHOWN_ORDERS = 3;
const EXAMPLE = fileURLToPath(new URL('../../../examples/order', import.meta.url));

type Flags = SessionFlags & { orders: number; keep?: boolean; output: OutputFormat };

export function demoCommand(io: Io, exit: (code: number) => void): Command {
  const command = new Command('demo')
    .description('run the order saga on a real Kafka and verify that each order was processed exactly once')
    .option('--orders <n>', 'how many orders', parseCount, 20)
    .addOption(new Option('--keep', 'leave it running afterwards, to look at'))
    .addHelpText(
      'after',
      `
Exit code: 0 every order has its five events exactly once, nothing is left to do and nothing failed; 1 otherwise.

Examples:
  npm run demo
  npm run demo -- --orders 200 --keep
  npm run -s demo -- --output json | jq .completed
`,
    );
  return withOutputOption(withSessionOptions(command)).action(async (flags: Flags) => {
    const progress = new Progress(io);
    const steps = await loadSteps([EXAMPLE], io);
    const orderIds = orderIdsOf(flags.orders);
    exit(EXIT.problems);
    await runSession(
      steps,
      toSessionOptions(flags),
      { io, progress, logLevel: 'error', prefix: (step) => `${step}: ` },
      async (session, stopped) => {
        await Promise.race([untilReady(session), stopped]);
        const result = await Promise.race([
          stopped,
          runDemo(session, {
            orderIds,
            steps,
            onProgress: (sent, delivered) => progress.count(`${sent} of ${orderIds.length} orders sent, ${delivered} through`),
          }),
        ]);
        progress.end();
        if (!result) return;
        await report(result, { io, flags, session, orderIds });
        if (isPerfect(result.verdict)) exit(EXIT.ok);
        if (flags.keep) await stopped;
      },
    );
  });
}

/** Differ from run to run, so that a kept data folder or a shared Kafka does not mix them up. */
function orderIdsOf(count: number): string[] {
  const run = Date.now().toString(36).slice(-5);
  return Array.from({ length: count }, (_, n) => `order-${run}-${n + 1}`);
}

interface ReportContext {
  io: Io;
  flags: Flags;
  session: Session;
  orderIds: readonly string[];
}

async function report(result: DemoResult, context: ReportContext): Promise<void> {
  const { io, flags } = context;
  const { orders, completed, duplicates, missing, topics } = result.verdict;
  const seconds = Math.round(result.seconds * 100) / 100;
  if (flags.output === 'json') io.stdout.write(`${JSON.stringify({ orders, completed, duplicates, missing, topics, seconds })}\n`);
  else io.stdout.write(`${[...(await timelines(context)), ...summary(result.verdict, seconds, io)].join('\n')}\n`);
  if (flags.keep) (flags.output === 'json' ? io.stderr : io.stdout).write(`${nextCommands(context).join('\n')}\n`);
}

async function timelines({ io, session: { platform }, orderIds }: ReportContext): Promise<string[]> {
  const shown = new Set(orderIds.slice(0, SHOWN_ORDERS));
  const events = await readTimelines({
    connection: plainConnection(platform.brokers),
    registry: new RegistryClient({ url: platform.registryUrl }),
    topics: ORDER_TOPICS,
    isWanted: (id) => shown.has(id),
  });
  const { bold } = colorsFor(io);
  return [...shown].flatMap((id) => [
    bold(id),
    ...formatTimeline(
      events.filter(({ sagaId }) => sagaId === id),
      (event) => (event as { status: string }).status,
    ),
    '',
  ]);
}

function summary(verdict: Verdict, seconds: number, io: Io): string[] {
  const { bold, green, red } = colorsFor(io);
  const { orders, completed, duplicates, missing, deadLetters, behind, topics, hopsMs } = verdict;
  const good = isPerfect(verdict);
  return [
    bold('events'),
    ...table(Object.entries(topics).map(([topic, count]) => [topic, String(count)])),
    '',
    bold('median time per hop'),
    ...table(Object.entries(hopsMs).map(([step, ms]) => [step, `${ms} ms`])),
    '',
    (good ? green : red)(
      `${completed} of ${orders} orders completed in ${seconds} s, ${duplicates} duplicates, ${missing} missing, ` +
        `${deadLetters} dead letters, ${behind} lagging partitions`,
    ),
  ];
}

function nextCommands({ session: { platform, fleet }, orderIds, flags }: ReportContext): string[] {
  const { brokers, registryUrl, logsDir } = platform;
  const kafkaFlag = brokers === 'localhost:9092' ? '' : ` --kafka ${brokers}`;
  const registryFlag = registryUrl === 'http://localhost:8081' ? '' : ` --registry ${registryUrl}`;
  const ingress = `http://localhost:${fleet.ingressPortOf('order') ?? flags.ingressPort}/orders`;
  const rows = [
    ['subjects', `curl ${registryUrl}/subjects`],
    ['topics', `npx sagafleet kafka${kafkaFlag} topics --list`],
    ['records', `npx sagafleet kafka${kafkaFlag} console-consumer --topic order_paid --from-beginning`],
    ['an order', `npx sagafleet timeline ${orderIds[0]}${kafkaFlag}${registryFlag}`],
    ['send one', `npx sagafleet send ${ingress} --example${registryFlag}`],
    ['by hand', `curl ${ingress} -H 'content-type: application/json' -d '{"orderId":"42","userId":"7","status":"NEW","timestamp":0}'`],
    ['logs', join(logsDir, '*.log')],
  ];
  return ['', 'still running, try:', ...table(rows), '', 'Ctrl-C ends everything'];
}

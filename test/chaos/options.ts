/** What a call of the suite asks for, and the call that asks for one run again. */
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import type { Guarantee } from '@sagafleet/schemas';
import { chooseIngredients, type WantedIngredients } from './ingredients.ts';
import {
  BROKER_FAULTS,
  FAULT_KINDS,
  INGRESS_FAULTS,
  isIngressFault,
  isMarkerFault,
  isOutputLeaderFault,
  MARKER_FAULTS,
  planFaults,
  WORKER_FAULTS,
  type FaultKind,
} from './plan.ts';
import type { ChaosOptions } from './run-chaos.ts';

export const HELP = `Runs workers of a step through faults and judges what they wrote.

  npm run test:chaos -- [options]

  --seed <n>             the first seed; the same seed gives the same faults (default: by chance)
  --seeds <n>            how many runs, seed after seed (1)
  --minutes <n>          how long the faults of one run last (4)
  --faults <n>           of one run (20)
  --kinds <a,b>          only these faults, of
                         ${WORKER_FAULTS.join(', ')},
                         ${BROKER_FAULTS.join(', ')},
                         ${INGRESS_FAULTS.join(', ')} (with an ingress),
                         connections-cut, power-cut,
                         ${MARKER_FAULTS.slice(0, 2).join(', ')},
                         ${MARKER_FAULTS.slice(2).join(', ')}
                         (those of output leaders on three brokers)
  --delivery <ExactlyOnce|AtLeastOnce|by-seed>
                         of the step (by-seed); with AtLeastOnce outputs may come again, and no fault is one of markers
  --slow-expressions <yes|no|by-seed>
                         one record of 200 takes a processor 20 to 50 ms (by-seed)
  --ingress <yes|no|by-seed>
                         a second step beside the other, with clients that POST and repeat (by-seed)
  --records <n>          of one run, committed by three producers (200000)
  --brokers <1|3|1,3>    Kafka brokers; with "1,3" runs take turns (1,3)
  --output-replication <1|3>
                         of the topics that the step writes; of one replica the leader can be killed (on three brokers 1
                         and 3 in turn, and 1 where no kind is wanted but those of output leaders)
  --load <n>             busy processes beside the run, each half of the time (as many as there are processors); 0: none
  --workers <n>          as many at least, faults apart (3)
  --session-timeout <ms> of the workers (6000)
  --plan                 only print the faults
  --keep                 keep topics and logs of clean runs too
  -h, --help             this text

Redelivery at least once, and answers to clients; leaders that move:

  npm run test:chaos -- --delivery AtLeastOnce --ingress yes
  npm run test:chaos -- --brokers 3 --output-replication 3 --kinds leader-election

Kills between the answer to EndTxn and its markers alone, on one broker; the last lines say how many made it skip markers:

  npm run test:chaos -- --brokers 1 --kinds kill-after-end-txn,kill-after-end-txn-workers --faults 30
  npm run test:chaos -- --brokers 3 --kinds kill-output-leader,kill-output-leader-workers --faults 10

Exit code 0: every run was clean; 1: something was found, the last lines say what, where topics and logs are kept and how
to run it again, or there was no verdict; 2: wrong options.
`;

const MINUTE_MS = 60_000;
const DRAIN_WITHIN_MS = 120_000;
const REPLICATION_TURNS = [1, 3];
const LAYOUTS: Record<string, readonly number[]> = { 1: [1], 3: [3], '1,3': [1, 3] };

const BY_SEED = 'by-seed';
const GUARANTEES: Record<string, Guarantee | null> = { ExactlyOnce: 'ExactlyOnce', AtLeastOnce: 'AtLeastOnce', [BY_SEED]: null };
const ANSWERS: Record<string, boolean | null> = { yes: true, no: false, [BY_SEED]: null };

const OPTIONS = {
  seed: { type: 'string' },
  seeds: { type: 'string', default: '1' },
  minutes: { type: 'string', default: '4' },
  faults: { type: 'string', default: '20' },
  kinds: { type: 'string', default: FAULT_KINDS.join(',') },
  records: { type: 'string', default: '200000' },
  brokers: { type: 'string', default: '1,3' },
  'output-replication': { type: 'string' },
  load: { type: 'string', default: String(availableParallelism()) },
  delivery: { type: 'string', default: BY_SEED },
  'slow-expressions': { type: 'string', default: BY_SEED },
  ingress: { type: 'string', default: BY_SEED },
  workers: { type: 'string', default: '3' },
  'session-timeout': { type: 'string', default: '6000' },
  plan: { type: 'boolean', default: false },
  keep: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

export type Run = Omit<ChaosOptions, 'onEvent' | 'signal'> & { kinds: readonly FaultKind[] };
export interface Options {
  runs: Run[];
  isPlanOnly: boolean;
}

type NumberOption = 'seed' | 'seeds' | 'minutes' | 'faults' | 'records' | 'load' | 'workers' | 'session-timeout';

/** Undefined: only help was asked for. @throws an error that says which option is wrong */
export function readOptions(): Options | undefined {
  const { values } = parseArgs({ options: OPTIONS });
  if (values.help) return undefined;
  const number = (name: NumberOption, least = Number.MIN_VALUE) => {
    const value = Number(values[name]);
    if (!(value >= least))
      throw new Error(`--${name} must be a number ${least === 0 ? 'of at least 0' : 'above 0'}, not "${values[name]}"`);
    return value;
  };
  const kinds = values.kinds.split(',') as FaultKind[];
  const unknown = kinds.find((kind) => !FAULT_KINDS.includes(kind));
  if (unknown !== undefined) throw new Error(`no kind of fault is called "${unknown}"`);
  const layouts = LAYOUTS[values.brokers];
  if (!layouts) throw new Error(`--brokers is 1, 3 or 1,3, not "${values.brokers}"`);
  if (kinds.every(isOutputLeaderFault) && layouts.includes(1))
    throw new Error('output leaders are killed on three brokers only; set --brokers 3');
  const replication = values['output-replication'];
  if (replication !== undefined && !['1', '3'].includes(replication))
    throw new Error(`--output-replication is 1 or 3, not "${replication}"`);
  const outputReplicationOf = (each: number, brokers: number) => {
    if (brokers === 1 || kinds.every(isOutputLeaderFault)) return 1;
    return replication === undefined ? REPLICATION_TURNS[Math.floor(each / 2) % 2]! : Number(replication);
  };
  const wanted = readIngredients(values, kinds);
  const seed = values.seed === undefined ? 1 + Math.floor(Math.random() * 1_000_000) : number('seed');
  const runs = Array.from({ length: number('seeds') }, (_, at) => ({ seed: seed + at, brokers: layouts[at % layouts.length]! })).map(
    (run): Run => ({
      ...run,
      outputReplication: outputReplicationOf(run.seed, run.brokers),
      load: number('load', 0),
      durationMs: number('minutes') * MINUTE_MS,
      faults: number('faults'),
      records: number('records'),
      workers: number('workers'),
      sessionTimeoutMs: number('session-timeout'),
      drainWithinMs: DRAIN_WITHIN_MS,
      ingredients: chooseIngredients(run.seed, wanted),
      kinds,
      keep: values.keep,
    }),
  );
  // Throws where none of the kinds is possible
  for (const run of runs) planFaults(run);
  return { runs, isPlanOnly: values.plan };
}

/** What is the seed's, the kinds of faults may still ask for. */
function readIngredients(
  values: Record<'delivery' | 'slow-expressions' | 'ingress', string>,
  kinds: readonly FaultKind[],
): WantedIngredients {
  const guarantee = oneOf('delivery', values.delivery, GUARANTEES);
  const hasIngress = oneOf('ingress', values.ingress, ANSWERS);
  return {
    guarantee: guarantee === null && kinds.every(isMarkerFault) ? 'ExactlyOnce' : guarantee,
    hasSlowExpressions: oneOf('slow-expressions', values['slow-expressions'], ANSWERS),
    hasIngress: hasIngress === null && kinds.every(isIngressFault) ? true : hasIngress,
  };
}

function oneOf<T>(name: string, value: string, choices: Record<string, T>): T {
  const choice = choices[value];
  if (choice === undefined) throw new Error(`--${name} is ${Object.keys(choices).join(', ')}, not "${value}"`);
  return choice;
}

export function argumentsOf({
  seed,
  brokers,
  outputReplication,
  load,
  durationMs,
  faults,
  records,
  workers,
  sessionTimeoutMs,
  ingredients,
  kinds,
}: Run): string {
  return (
    `--seed ${seed} --brokers ${brokers} --output-replication ${outputReplication} --load ${load} --minutes ${durationMs / MINUTE_MS} --faults ${faults} --records ${records} ` +
    `--workers ${workers} --session-timeout ${sessionTimeoutMs} --delivery ${ingredients.guarantee} ` +
    `--slow-expressions ${yesOrNo(ingredients.hasSlowExpressions)} --ingress ${yesOrNo(ingredients.hasIngress)} --kinds ${kinds.join(',')}`
  );
}

function yesOrNo(isSo: boolean): string {
  return isSo ? 'yes' : 'no';
}

/**
 * A worker with one rule of its protocol broken, or none, for the tests that must notice. Never part of
 * what is published.
 */
import { readFileSync } from 'node:fs';
import { readConfig } from '../../src/config.ts';
import { messageOf } from '../../src/errors.ts';
import { createLog } from '../../src/log.ts';
import { createKafkajsDriver, Worker, type CreateDriver } from '../../src/worker.ts';
import { FAULTS, type FaultName } from './faults.ts';
import { MUTATIONS, type MutationName } from './mutations.ts';

const log = createLog('info');

async function main(): Promise<void> {
  const mutate = MUTATIONS[process.env['MUTATION'] as MutationName];
  const disturb = FAULTS[process.env['FAULT'] as FaultName];
  const { MUTATION: _mutation, FAULT: _fault, ...env } = process.env;
  const config = readConfig(env, (path) => readFileSync(path, 'utf8'));
  const createDriver: CreateDriver = (settings, log) => mutate(disturb(createKafkajsDriver(settings, log)), settings);
  const worker = new Worker(config, log, createDriver);
  process.once('SIGTERM', () => worker.stop().then(() => process.exit(0), fail));
  await Promise.race([worker.start().then(() => new Promise(() => undefined)), worker.failed]);
}

function fail(error: unknown): void {
  log.fatal({ reason: messageOf(error) }, 'ended');
  process.exit(1);
}

main().catch(fail);

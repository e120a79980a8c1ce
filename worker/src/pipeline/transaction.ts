import { type NotedPosition, RefusedBatch, type Transaction } from '../driver.ts';
import type { OutputChunk, Outputs } from './outputs.ts';
import type { SizeLimits } from './size-limits.ts';

/** What is written in one transaction. */
export interface Work { outputs: Pick<Outputs, 'rounds'>; positions: readonly NotedPosition[] }
export interface WriteOptions { sizeLimits: Pick<SizeLimits, 'learn' | 'written'>; throwIfLost: () => void }

/**
 * Writes the outputs and moves the positions in one transaction. Any error leaves its outcome
 * unknown: the caller discards the producer.
 */
export async function writeTransaction(transaction: Transaction, work: Work, options: WriteOptions): Promise<void> {
  const { sizeLimits, throwIfLost } = options;
  const writing = [sendAll(transaction, work.outputs.rounds, options), transaction.sendOffsets(work.positions)];
  // The caller discards the producer after an error: what is still under way would connect it again
  await Promise.allSettled(writing);
  await Promise.all(writing);
  throwIfLost();
  await transaction.commit();
  sizeLimits.written(work.positions);
}

async function sendAll(transaction: Transaction, rounds: readonly OutputChunk[][], { sizeLimits, throwIfLost }: WriteOptions): Promise<void> {
  for (const round of rounds) {
    await sendRound(transaction, round, sizeLimits);
    throwIfLost();
  }
}

async function sendRound(transaction: Transaction, round: readonly OutputChunk[], sizeLimits: WriteOptions['sizeLimits']): Promise<void> {
  try {
    await transaction.send(round);
  } catch (error) {
    if (error instanceof RefusedBatch) {
      sizeLimits.learn(round.find(({ topic, partition }) => topic === error.topic && partition === error.partition)!, error);
    }
    throw error;
  }
}

/** Refusals of brokers, with the ACL that is missing. */
import { isNotAuthorized, missingAcl, type NeededAcls, ProduceError } from '@sagafleet/kafka';
import type { AppendingProducer, TaskProducer, Transaction } from '../driver.ts';
import { messageOf, WorkerError } from '../errors.ts';

/** Who connects, as ACLs name it, and what it has to be allowed. */
export interface Rights {
  principal: string;
  needed: NeededAcls;
}

/**
 * Of a right that is missing, an error that says which; any other as it is. A task waits for it: ACLs may be granted
 * after a step has started.
 * @param what failed, as it reads after "cannot"
 */
export function namedRefusal(error: unknown, what: string, { principal, needed }: Rights): unknown {
  if (!isNotAuthorized(error) || (error as { code?: string }).code === 'not-authorized') return error;
  const advice = missingAcl(error, needed, principal)!;
  return new WorkerError('not-authorized', 'systemic', `cannot ${what}, ${advice}: ${messageOf(error)}`, { cause: error });
}

async function naming<T>(what: string, rights: (refusal: unknown) => Rights, request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw namedRefusal(error, what, rights(error));
  }
}

/** Topics are those that each request is about. */
export async function namingProducer(opened: Promise<TaskProducer>, rights: Rights): Promise<TaskProducer> {
  const producer = await naming('open a producer', () => rights, opened);
  return {
    activate: () => naming('fence', () => rights, producer.activate?.() ?? Promise.resolve()),
    begin: async () => namingTransaction(await producer.begin(), rights),
    settled: () => naming('see whether the last transaction is visible', () => rights, producer.settled?.() ?? Promise.resolve()),
    discard: () => producer.discard(),
  };
}

function namingTransaction(transaction: Transaction, rights: Rights): Transaction {
  return {
    isAtomic: transaction.isAtomic,
    send: (batches) =>
      naming(
        'write',
        (refusal) => onTopics(rights, 'WRITE', refusedTopic(refusal) ?? batches.map(({ topic }) => topic)),
        transaction.send(batches),
      ),
    sendOffsets: (positions) =>
      naming(
        'set offsets',
        () =>
          onTopics(
            rights,
            'READ',
            positions.map(({ topic }) => topic),
          ),
        transaction.sendOffsets(positions),
      ),
    commit: () => naming('commit', () => rights, transaction.commit()),
  };
}

export function namingAppends(producer: AppendingProducer, rights: Rights): AppendingProducer {
  return {
    append: (record) => naming('write', () => onTopics(rights, 'WRITE', [record.topic]), producer.append(record)),
    close: () => producer.close(),
  };
}

function onTopics(rights: Rights, operation: 'READ' | 'WRITE', topics: readonly string[]): Rights {
  const topic = { operations: [operation, 'DESCRIBE'] as const, names: [...new Set(topics)] };
  return { ...rights, needed: { ...rights.needed, topic } };
}

/** Where the broker said which. */
function refusedTopic(error: unknown): [string] | null {
  for (let at = error; at instanceof Error; at = at.cause) {
    if (at instanceof ProduceError) return [at.topic];
  }
  return null;
}

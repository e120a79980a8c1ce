import type { Driver, GroupMember, Transaction } from '../../src/driver.ts';
import { WorkerError } from '../../src/errors.ts';
import { altered } from './altered.ts';

/** What happens to a worker from outside, at a moment that a network cannot be made to hit. */
export const FAULTS = {
  none: (driver) => driver,
  'offsets-answer-lost': (driver) => withTransactions(driver, loseFirstAnswer()),
  'stale-offsets': (driver) => altered(driver, { member: (events) => answerOld(driver.member(events)) }),
} satisfies Record<string, (driver: Driver) => Driver>;

export type FaultName = keyof typeof FAULTS;

export function withTransactions(driver: Driver, change: (transaction: Transaction) => Transaction): Driver {
  return altered(driver, {
    fenceTask: async (task, throwIfOver) => {
      const producer = await driver.fenceTask(task, throwIfOver);
      return altered(producer, { begin: async () => change(await producer.begin()) });
    },
  });
}

/** The first offsets that are committed with outputs reach the broker together with them, and their answer never comes. */
function loseFirstAnswer(): (transaction: Transaction) => Transaction {
  let isLost = false;
  return (transaction) => {
    const sends: Promise<unknown>[] = [];
    return altered(transaction, {
      send: (batches) => {
        const sending = transaction.send(batches);
        sends.push(sending);
        return sending;
      },
      sendOffsets: async (positions) => {
        await transaction.sendOffsets(positions);
        await Promise.all(sends);
        if (isLost || sends.length === 0) return;
        isLost = true;
        throw new WorkerError('broker-unavailable', 'systemic', 'the answer to the offsets was lost');
      },
    });
  };
}

/** How long a coordinator was seen to say so after a restart, and a little less than between two reads. */
const STALE_MS = 2_000;

/** What Kafka 4.3 was seen to do after some restarts: for a while the group is said to be where it once was. */
function answerOld(member: GroupMember): GroupMember {
  let firstAskedAt: number | null = null;
  return altered(member, {
    committedOffsets: async () => {
      firstAskedAt ??= performance.now();
      const offsets = await member.committedOffsets();
      return performance.now() - firstAskedAt > STALE_MS ? offsets : offsets.map((each) => ({ ...each, offset: 0n }));
    },
  });
}

import type { GroupMembership } from '@sagafleet/kafka';
import { messageOf, WorkerError } from '../errors.ts';
import { systemTiming, type Timing } from '../timing.ts';
import { brokerErrorType } from './broker-error.ts';

/** A join gave the group another generation, and this process has not heard of it yet. */
const JOIN_UNDER_WAY: readonly unknown[] = ['ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'];
const REFUSALS: readonly unknown[] = [...JOIN_UNDER_WAY, 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID'];
/** A rebalance takes as long at most as members have to join and then to be told; another one may follow. */
const JOIN_WITHIN_MS = 30_000;
const LOOK_EVERY_MS = 20;
/** Also where no join follows: a coordinator that loads its log may count an older generation for a moment. */
const ASK_AGAIN_AFTER_MS = 1_000;

/** This process in its group. @throws WorkerError `not-a-member` where it is not in it now */
export interface Membership {
  readonly membership: GroupMembership;
}

interface Ownership {
  member: Membership;
  /** When what is committed was begun: a task that was lost since must not pass for one of a later generation. */
  first: GroupMembership;
  throwIfOver(): void;
}

/**
 * Commits offsets as a member (KIP-447). The coordinator counts generations from when all have joined, a member from when it is
 * told what it got. What is refused in between has no effect, and is repeated once the join is over, if the task was retained.
 * @throws WorkerError `not-a-member` (systemic) where the membership is over, or no join ends in time
 */
export async function asMember<T>(
  { member, first, throwIfOver }: Ownership,
  commit: (as: GroupMembership) => Promise<T>,
  timing: Timing = systemTiming,
): Promise<T> {
  const deadline = timing.now() + JOIN_WITHIN_MS;
  for (let as = first; ;) {
    try {
      return await commit(as);
    } catch (error) {
      const type = brokerErrorType(error);
      if (!REFUSALS.includes(type)) throw error;
      const refusal = new WorkerError('not-a-member', 'systemic', `the group's coordinator refuses the offsets: ${messageOf(error)}`, {
        cause: error,
      });
      if (!JOIN_UNDER_WAY.includes(type) || timing.now() > deadline) throw refusal;
      const again = timing.now() + ASK_AGAIN_AFTER_MS;
      while (member.membership === as && timing.now() < again) {
        throwIfOver();
        await timing.wait(LOOK_EVERY_MS);
      }
      // The join may have given the task to another member
      throwIfOver();
      as = member.membership;
    }
  }
}

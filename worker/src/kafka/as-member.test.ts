import type { GroupMembership } from '@sagafleet/kafka';
import { describe, expect, test } from 'vitest';
import { WorkerError } from '../errors.ts';
import { asMember } from './as-member.ts';

const OLD: GroupMembership = { memberId: 'a', generation: 1 };
const NEW: GroupMembership = { memberId: 'a', generation: 2 };
const refusedWith = (type: string) => Object.assign(new Error(type), { type });

interface Case {
  /** Answers to one commit after the other; null: taken. */
  answers: (string | null)[];
  /** In a join that ends after this long, the membership becomes `joined`, or is over where there is none. */
  joinedAfterMs?: number;
  joined?: GroupMembership;
  lostAfterMs?: number;
  commits: GroupMembership[];
  ends: { atMs: number; with: unknown };
}

const REFUSED = { code: 'not-a-member', consequence: 'systemic' };

describe('offsets', () => {
  test.each(
    Object.entries({
      'are committed once where they are taken': { answers: [null], commits: [OLD], ends: { atMs: 0, with: 'taken' } },
      'of a generation before are repeated when the join is over, and not before': {
        answers: ['ILLEGAL_GENERATION', null],
        joinedAfterMs: 100,
        joined: NEW,
        commits: [OLD, NEW],
        ends: { atMs: 100, with: 'taken' },
      },
      'are repeated at once where the join is over already': {
        answers: ['ILLEGAL_GENERATION', null],
        joinedAfterMs: 0,
        joined: NEW,
        commits: [OLD, NEW],
        ends: { atMs: 0, with: 'taken' },
      },
      'wait for the end of a rebalance that is said to be in progress': {
        answers: ['REBALANCE_IN_PROGRESS', null],
        joinedAfterMs: 100,
        joined: NEW,
        commits: [OLD, NEW],
        ends: { atMs: 100, with: 'taken' },
      },
      'are not repeated for a task that the join took away': {
        answers: ['ILLEGAL_GENERATION'],
        joinedAfterMs: 100,
        joined: NEW,
        lostAfterMs: 100,
        commits: [OLD],
        ends: { atMs: 100, with: { message: 'lost' } },
      },
      'wait no longer than the task is there': {
        answers: ['ILLEGAL_GENERATION'],
        lostAfterMs: 60,
        commits: [OLD],
        ends: { atMs: 60, with: { message: 'lost' } },
      },
      'wait no longer than the process is a member': {
        answers: ['ILLEGAL_GENERATION'],
        joinedAfterMs: 60,
        commits: [OLD],
        ends: { atMs: 60, with: REFUSED },
      },
      'are asked again where no join follows, as after a coordinator that loads its log': {
        answers: ['ILLEGAL_GENERATION', null],
        commits: [OLD, OLD],
        ends: { atMs: 1_000, with: 'taken' },
      },
      'are given up in the end': {
        answers: Array<string>(32).fill('ILLEGAL_GENERATION'),
        commits: Array<GroupMembership>(32).fill(OLD),
        ends: { atMs: 31_000, with: { ...REFUSED, message: expect.stringContaining('ILLEGAL') as string } },
      },
      'of an unknown member fail at once': {
        answers: ['UNKNOWN_MEMBER_ID'],
        joinedAfterMs: 0,
        joined: NEW,
        commits: [OLD],
        ends: { atMs: 0, with: REFUSED },
      },
      'of a member that another took the place of fail at once': {
        answers: ['FENCED_INSTANCE_ID'],
        commits: [OLD],
        ends: { atMs: 0, with: REFUSED },
      },
      'that are refused for another reason are not repeated': {
        answers: ['INVALID_PRODUCER_EPOCH'],
        joinedAfterMs: 0,
        joined: NEW,
        commits: [OLD],
        ends: { atMs: 0, with: { message: 'INVALID_PRODUCER_EPOCH' } },
      },
    } satisfies Record<string, Case>),
  )('%s', async (_, { answers, joinedAfterMs = Infinity, joined, lostAfterMs = Infinity, commits, ends }: Case) => {
    let now = 0;
    const timing = {
      now: () => now,
      wait: async (ms: number) => {
        now += ms;
      },
      random: () => 0,
    };
    const member = {
      get membership() {
        if (now < joinedAfterMs) return OLD;
        if (!joined) throw new WorkerError('not-a-member', 'systemic', 'it joins');
        return joined;
      },
    };
    const [seen, left]: [GroupMembership[], (string | null)[]] = [[], [...answers]];
    const throwIfOver = () => {
      if (now >= lostAfterMs) throw new Error('lost');
    };
    const outcome = await asMember(
      { member, first: OLD, throwIfOver },
      async (as) => {
        seen.push(as);
        const answer = left.shift();
        if (answer !== null) throw refusedWith(answer!);
        return 'taken';
      },
      timing,
    ).catch((error: unknown) => error);
    expect(seen).toEqual(commits);
    expect(now).toBe(ends.atMs);
    if (typeof ends.with === 'string') expect(outcome).toBe(ends.with);
    else expect(outcome).toMatchObject(ends.with as object);
  });
});

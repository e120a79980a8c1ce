/**
 * Which member of a group owns which task. Task p is partition p of every input topic: all of them
 * go to one member, which keeps what it had (KIP-54 sticky) and gets an even share.
 */
import type { MemberData } from './member-data.ts';

export interface GroupMemberClaim {
  memberId: string;
  topics: readonly string[];
  data: MemberData;
}

/** Task number → member id, for every task that some member can read. Same input, same answer. */
export function assignTasks(members: readonly GroupMemberClaim[], partitionCounts: ReadonlyMap<string, number>): Map<number, string> {
  const taskCount = Math.max(0, ...partitionCounts.values());
  const sorted = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const canRead = (member: GroupMemberClaim, task: number) => member.topics.some((topic) => task < (partitionCounts.get(topic) ?? 0));

  const owner = new Map<number, string>();
  const load = new Map(sorted.map((member) => [member.memberId, 0]));
  const give = (task: number, memberId: string) => {
    owner.set(task, memberId);
    load.set(memberId, load.get(memberId)! + 1);
  };

  const quotas = shares(sorted, taskCount);
  for (const member of [...sorted].sort((a, b) => b.data.generation - a.data.generation)) {
    for (const task of [...member.data.owned].sort((a, b) => a - b)) {
      const free = task < taskCount && !owner.has(task) && canRead(member, task);
      if (free && load.get(member.memberId)! < quotas.get(member.memberId)!) give(task, member.memberId);
    }
  }
  for (let task = 0; task < taskCount; task++) {
    if (owner.has(task)) continue;
    const able = sorted.filter((member) => canRead(member, task));
    const [least] = able.sort((a, b) => load.get(a.memberId)! - load.get(b.memberId)!);
    if (least) give(task, least.memberId);
  }
  return owner;
}

/** Even shares; the odd tasks stay with those who hold most already, so that fewer move. */
function shares(members: readonly GroupMemberClaim[], taskCount: number): Map<string, number> {
  const base = Math.floor(taskCount / Math.max(1, members.length));
  const odd = taskCount - base * members.length;
  const byHolding = [...members].sort((a, b) => b.data.owned.length - a.data.owned.length);
  return new Map(byHolding.map((member, at) => [member.memberId, base + (at < odd ? 1 : 0)]));
}

import type { ProvisionReport, StepNeeds } from './needs.ts';
import type { CommittedOffset, PartitionOffsets, TopicAdmin, TopicPartitionOffset } from './ports.ts';

/**
 * Offsets to commit so that every partition has one: `startFrom` for inputs new to the group, the
 * beginning for partitions that were added to an input it knows. Never replaces one, also none that the
 * broker dropped: what was worked would be worked again. Pure.
 */
export function planOffsets(
  startFrom: StepNeeds['startFrom'],
  committed: readonly CommittedOffset[],
  ends: ReadonlyMap<string, readonly PartitionOffsets[]>,
): TopicPartitionOffset[] {
  const known = new Set(committed.filter(({ offset }) => offset !== null).map(({ topic }) => topic));
  return committed
    .filter(({ offset, isForgotten }) => offset === null && !isForgotten)
    .flatMap(({ topic, partition }) => {
      const range = ends.get(topic)?.find((each) => each.partition === partition);
      if (!range) return [];
      const fromEnd = startFrom === 'latest' && !known.has(topic);
      return [{ topic, partition, offset: fromEnd ? range.latest : range.earliest }];
    });
}

/** Commits them before the first worker starts: workers refuse to guess, and autoscalers need the lag. */
export async function provisionOffsets(needs: StepNeeds, admin: TopicAdmin): Promise<ProvisionReport> {
  const { group, inputs, startFrom } = needs;
  const report: ProvisionReport = { done: [], pending: [], problems: [] };
  const existing = (await admin.describeTopics(inputs)).map(({ name }) => name);
  if (existing.length === 0) return report;
  const committed = await admin.committedOffsets(group, existing);
  if (committed.every(({ offset }) => offset !== null)) return report;
  report.problems.push(
    ...committed
      .filter(({ isForgotten }) => isForgotten)
      .map(({ topic, partition }) => ({
        reason: 'OffsetsExpired' as const,
        message:
          `the broker dropped the offset of group ${group} in partition ${partition} of ${topic} (offsets.retention.minutes): ` +
          `set it to where the step should go on (kafka-consumer-groups --group ${group} --reset-offsets …)`,
      })),
  );
  const ends = new Map(await Promise.all(existing.map(async (topic) => [topic, await admin.offsets(topic)] as const)));
  const missing = planOffsets(startFrom, committed, ends);
  if (missing.length === 0) return report;
  try {
    await admin.commitOffsets(group, missing);
    report.done.push(`set ${missing.length} offsets of group ${group} to ${startFrom}`);
  } catch (error) {
    if ((error as { code?: string }).code !== 'group-in-use') throw error;
    // Members read a new partition from its beginning by themselves, but never guess where a group begins
    if (committed.every(({ offset }) => offset === null)) {
      report.pending.push({
        reason: 'GroupInUse',
        message: `group ${group} has members but no offsets, they can be set when its members have left`,
      });
    }
  }
  return report;
}

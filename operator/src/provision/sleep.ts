import type { StepNeeds } from './needs.ts';
import type { TopicAdmin } from './ports.ts';

const OFFSETS_RETENTION = 'offsets.retention.minutes';

/**
 * Whether a step may be asleep for longer than brokers keep offsets. A worker that is stopped has its
 * offsets kept for good; one that is killed while it is the last cannot.
 */
export async function sleepWarnings({ step, group, maySleep }: StepNeeds, admin: TopicAdmin): Promise<string[]> {
  if (!maySleep) return [];
  const minutes = await admin.brokerSetting(OFFSETS_RETENTION).catch(unlessDenied);
  if (minutes === null) return [];
  return [
    `step ${step} may sleep for longer than the ${minutes} minutes for which brokers keep the offsets of a group without members ` +
      `(${OFFSETS_RETENTION}): should its last worker be killed instead of stopped, it does not start again after that until offsets ` +
      `of ${group} are set; raise the brokers' setting, or set scaling.min to 1`,
  ];
}

/** Who may not read the brokers' settings is not warned. */
function unlessDenied(error: unknown): null {
  if ((error as { code?: string }).code === 'not-authorized') return null;
  throw error;
}

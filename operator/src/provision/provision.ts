import { findingOf } from './finding-of.ts';
import type { ProvisionReport, StepNeeds, StepReport } from './needs.ts';
import { provisionOffsets } from './offsets.ts';
import type { SchemaRegistry, TopicAdmin } from './ports.ts';
import { provisionSchema } from './schemas.ts';
import { sleepWarnings } from './sleep.ts';
import { provisionTopics } from './topics.ts';

/**
 * Topics, then initial offsets, then schemas of one step. Level-triggered: called again it does what
 * is still missing, and nothing where nothing is.
 */
export async function provisionStep(
  needs: StepNeeds,
  { admin, registry }: { admin: TopicAdmin; registry: SchemaRegistry },
): Promise<StepReport> {
  // Offsets do not wait for the registry: workers start meanwhile, and without offsets they would end
  const topics = await provisionTopics(needs, admin);
  const reports: ProvisionReport[] = [topics, await provisionOffsets(needs, admin)];
  for (const need of needs.schemas) reports.push(await provisionSchema(need, registry).catch(pendingUnlessDefect));
  return {
    done: reports.flatMap(({ done }) => done),
    pending: reports.flatMap(({ pending }) => pending),
    problems: reports.flatMap(({ problems }) => problems),
    warnings: await sleepWarnings(needs, admin),
    topicLimits: topics.topicLimits,
  };
}

/** The registry may become available again, and what does not need it goes on meanwhile. */
function pendingUnlessDefect(error: unknown): ProvisionReport {
  return { done: [], pending: [findingOf(error)], problems: [] };
}

import type { ProvisionReport, StepNeeds } from './needs.ts';
import { provisionOffsets } from './offsets.ts';
import type { SchemaRegistry, TopicAdmin } from './ports.ts';
import { provisionSchema } from './schemas.ts';
import { provisionTopics } from './topics.ts';

/**
 * Topics, then schemas, then initial offsets of one step. Level-triggered: called again it does what
 * is still missing, and nothing where nothing is.
 */
export async function provisionStep(
  needs: StepNeeds, { admin, registry }: { admin: TopicAdmin; registry: SchemaRegistry },
): Promise<ProvisionReport> {
  const reports: ProvisionReport[] = [await provisionTopics(needs, admin)];
  for (const need of needs.schemas) reports.push(await provisionSchema(need, registry));
  reports.push(await provisionOffsets(needs, admin));
  return {
    done: reports.flatMap(({ done }) => done),
    pending: reports.flatMap(({ pending }) => pending),
    problems: reports.flatMap(({ problems }) => problems),
  };
}

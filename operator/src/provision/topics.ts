import type { Finding } from '../reasons.ts';
import { DEAD_LETTER_HEADROOM_BYTES, type ProvisionReport, type StepNeeds, type StepReport, type TopicNeed } from './needs.ts';
import type { NewTopic, TopicAdmin, TopicDescription } from './ports.ts';

const MAX_MESSAGE_BYTES = 'max.message.bytes';
const COMPRESSION_TYPE = 'compression.type';
const CLEANUP_POLICY = 'cleanup.policy';

export interface TopicPlan {
  create: NewTopic[];
  grow: { name: string; partitions: number }[];
  configure: { name: string; changes: Record<string, string> }[];
  pending: Finding[];
  problems: Finding[];
}

export interface TopicState {
  topics: readonly TopicDescription[];
  configs: ReadonlyMap<string, Record<string, string>>;
}

/** What is to be done so that a step's topics are as it needs them. Pure. */
export function planTopics(needs: StepNeeds, state: TopicState): TopicPlan {
  const plan: TopicPlan = { create: [], grow: [], configure: [], pending: [], problems: [] };
  const existing = new Map(state.topics.map((topic) => [topic.name, topic]));
  for (const need of needs.topics) {
    const found = existing.get(need.name);
    const config = configOf(need, needs, state);
    if (!found) planMissing(need, config, plan);
    else planExisting(need, { found, config, now: state.configs.get(need.name) ?? {} }, plan);
    if (found && !need.isManaged && isCompacted(state.configs.get(need.name)) && need.config[CLEANUP_POLICY] === 'delete') {
      plan.problems.push({
        reason: 'TopicCompacted',
        message: `topic ${need.name} is compacted, so records of one key would vanish from it: set its cleanup.policy to delete`,
      });
    }
  }
  for (const input of needs.inputs) {
    const isOwn = needs.topics.some(({ name }) => name === input);
    if (!isOwn && !existing.has(input)) {
      plan.pending.push({
        reason: 'TopicMissing',
        message: `topic ${input}, which step ${needs.step} consumes, does not exist yet: create it, or apply the step that emits it`,
      });
    }
  }
  return plan;
}

function planMissing(need: TopicNeed, config: Record<string, string>, plan: TopicPlan): void {
  const { name, partitions, replicationFactor, isManaged } = need;
  if (isManaged) plan.create.push({ name, partitions, replicationFactor, config });
  else {
    plan.pending.push({
      reason: 'TopicMissing',
      message: `topic ${name} does not exist and topics.manage is false: create it with ${partitions} partitions`,
    });
  }
}

interface Existing {
  found: TopicDescription;
  config: Record<string, string>;
  now: Record<string, string>;
}

function planExisting(need: TopicNeed, { found, config, now }: Existing, plan: TopicPlan): void {
  if (!need.isManaged) return;
  if (found.partitions < need.partitions) plan.grow.push({ name: need.name, partitions: need.partitions });
  if (found.partitions > need.partitions && need.arePartitionsSet) {
    plan.problems.push({
      reason: 'PartitionsCannotShrink',
      message: `topic ${need.name} has ${found.partitions} partitions and Kafka takes none away: set topics.partitions to ${found.partitions}, or leave it out`,
    });
  }
  const changes = Object.fromEntries(Object.entries(config).filter(([key, value]) => now[key] !== value));
  if (Object.keys(changes).length > 0) plan.configure.push({ name: need.name, changes });
}

function isCompacted(config: Record<string, string> = {}): boolean {
  return config[CLEANUP_POLICY]?.includes('compact') ?? false;
}

/** A dead letter must fit whatever the inputs take; a limit that is higher may be for another step's. */
function configOf(need: TopicNeed, needs: StepNeeds, { configs }: TopicState): Record<string, string> {
  if (need.name !== needs.deadLetterTopic) return need.config;
  const limitOf = (topic: string): number => Number(configs.get(topic)?.[MAX_MESSAGE_BYTES] ?? 0);
  const largest = Math.max(0, ...needs.inputs.map(limitOf));
  const limit = largest > 0 ? { [MAX_MESSAGE_BYTES]: String(Math.max(largest + DEAD_LETTER_HEADROOM_BYTES, limitOf(need.name))) } : {};
  return { ...need.config, ...limit };
}

/** Creates, grows and configures; the dead-letter topic last, when the limits of the inputs can be read. */
export async function provisionTopics(needs: StepNeeds, admin: TopicAdmin): Promise<ProvisionReport & Pick<StepReport, 'topicLimits'>> {
  const done: string[] = [];
  const others = needs.topics.filter(({ name }) => name !== needs.deadLetterTopic);
  await carryOut(planTopics({ ...needs, topics: others }, await readState(needs, admin)), admin, done);
  const plan = planTopics(needs, await readState(needs, admin));
  await carryOut(plan, admin, done);
  return { done, pending: plan.pending, problems: plan.problems, topicLimits: limitsOf(await readState(needs, admin)) };
}

/** Of topics about which the brokers say so much. */
function limitsOf({ configs }: TopicState): StepReport['topicLimits'] {
  const limits = [...configs].map(
    ([topic, config]) =>
      [
        topic,
        { maxMessageBytes: Number(config[MAX_MESSAGE_BYTES] ?? 0), compressionType: config[COMPRESSION_TYPE] ?? 'producer' },
      ] as const,
  );
  return Object.fromEntries(limits.filter(([, { maxMessageBytes }]) => maxMessageBytes > 0));
}

async function readState(needs: StepNeeds, admin: TopicAdmin): Promise<TopicState> {
  const names = [...new Set([...needs.topics.map(({ name }) => name), ...needs.inputs])];
  const topics = await admin.describeTopics(names);
  return { topics, configs: await admin.topicConfigs(topics.map(({ name }) => name)) };
}

async function carryOut(plan: TopicPlan, admin: TopicAdmin, done: string[]): Promise<void> {
  if (plan.create.length > 0) await admin.createTopics(plan.create);
  for (const { name, partitions } of plan.grow) await admin.growPartitions(name, partitions);
  for (const { name, changes } of plan.configure) await admin.alterTopicConfig(name, changes);
  done.push(
    ...plan.create.map(({ name, partitions }) => `created topic ${name} with ${partitions} partitions`),
    ...plan.grow.map(({ name, partitions }) => `grew topic ${name} to ${partitions} partitions`),
    ...plan.configure.map(({ name, changes }) => `set ${Object.keys(changes).join(', ')} of topic ${name}`),
  );
}

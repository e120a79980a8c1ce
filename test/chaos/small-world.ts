import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { Feed, type FeedOptions } from './feed.ts';
import { INPUT_PARTITIONS, TOPICS } from './topics.ts';
import { World, type WorldOptions } from './world.ts';

type SmallFeed = Pick<FeedOptions, 'records' | 'durationMs' | 'slowShare'>;

/** One broker, workers with a session of 6 s, and records for them, for one test. Everything ends with the test. */
export async function startSmallWorld(feed: SmallFeed, ingredients?: WorldOptions['ingredients']): Promise<{ world: World; feed: Feed }> {
  const folder = mkdtempSync(join(tmpdir(), 'sagafleet-world-'));
  const world = await World.start({
    brokers: 1,
    sessionTimeoutMs: 6_000,
    folder,
    ...(ingredients && { ingredients }),
    onNote: () => {},
  });
  onTestFinished(async () => {
    await world.stop();
    rmSync(folder, { recursive: true });
  });
  const encoders = await world.encoders();
  return {
    world,
    feed: new Feed({ ...feed, brokers: world.brokers, topic: TOPICS.input, partitions: INPUT_PARTITIONS, seed: 1, encoders }),
  };
}

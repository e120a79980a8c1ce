/**
 * Which positions members tell each other when they join, so that none starts below what another has reached. A
 * position is told in every join by the owner of the task, and by a previous owner until it sees that
 * the owner told as much: a new owner may miss the answer of a join, and knows nothing then.
 */
import type { TopicPosition } from '../driver.ts';
import type { GroupMemberClaim } from './assignment.ts';
import type { AssignmentData } from './member-data.ts';

/** What one member has to tell in its next join. */
export class PositionsToTell {
  #told: readonly TopicPosition[] = [];
  /** Up to where the owner told it too, by topic and partition. */
  readonly #settled = new Map<string, bigint>();

  /** Of `known`, all that this process knows; `owned` are its tasks. */
  select(known: readonly TopicPosition[], owned: ReadonlySet<number>): TopicPosition[] {
    for (const position of known) {
      if (owned.has(position.partition)) this.#settled.delete(placeOf(position));
    }
    const told = known.filter((position) => position.offset > (this.#settled.get(placeOf(position)) ?? -1n));
    this.#told = told;
    return told;
  }

  /** What the leader answered to what was selected last. */
  settle(tasks: readonly number[]): void {
    const settled = new Set(tasks);
    for (const position of this.#told) {
      if (settled.has(position.partition)) this.#settled.set(placeOf(position), position.offset);
    }
  }
}

/** What the leader answers to one of the members. */
export class PositionsTold {
  readonly #highest: Highest;
  readonly #byOwners: Highest;
  /** Who owned a task until this join. */
  readonly #owners = new Map<number, string>();

  constructor(claims: readonly GroupMemberClaim[]) {
    // Where two claim a task, the one that got it later
    for (const { memberId, data } of claims.toSorted((a, b) => a.data.generation - b.data.generation)) {
      for (const task of data.owned) this.#owners.set(task, memberId);
    }
    this.#highest = new Highest(claims.flatMap(({ data }) => data.positions));
    this.#byOwners = new Highest(
      claims.flatMap(({ data: { owned, positions } }) => {
        const its = new Set(owned);
        return positions.filter(({ partition }) => its.has(partition));
      }),
    );
  }

  answerTo({ memberId, topics, data: { owned, positions } }: GroupMemberClaim, tasks: readonly number[]): AssignmentData {
    const its = new Highest(positions);
    const floors = tasks
      .flatMap((partition) => topics.map((topic) => ({ topic, partition, offset: this.#highest.of(topic, partition) })))
      .filter(({ topic, partition, offset }) => offset > its.of(topic, partition));
    const unsettled = new Set(owned);
    for (const { topic, partition, offset } of positions) {
      if (this.#byOwners.of(topic, partition) < offset) unsettled.add(partition);
    }
    const told = new Set(positions.map(({ partition }) => partition));
    const handedOver = tasks.filter((task) => (this.#owners.get(task) ?? memberId) !== memberId);
    return { floors, settled: [...told].filter((task) => !unsettled.has(task)), handedOver };
  }
}

/** The highest position per topic partition among what is given. */
class Highest {
  readonly #offsets = new Map<string, bigint>();

  constructor(positions: Iterable<TopicPosition>) {
    for (const position of positions) {
      const place = placeOf(position);
      if ((this.#offsets.get(place) ?? -1n) < position.offset) this.#offsets.set(place, position.offset);
    }
  }

  /** −1 where there is none. */
  of(topic: string, partition: number): bigint {
    return this.#offsets.get(placeOf({ topic, partition })) ?? -1n;
  }
}

function placeOf({ topic, partition }: Pick<TopicPosition, 'topic' | 'partition'>): string {
  return `${topic}/${partition}`;
}

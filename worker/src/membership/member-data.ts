/**
 * What members of a group and their leader tell each other in a join. Brokers keep it for all members together
 * in one record of at most `max.message.bytes` of `__consumer_offsets`, and a group whose record is larger
 * cannot join: hence bytes, and no topic names, which stand beside it in the same message.
 */
import type { TopicPosition } from '../driver.ts';

/** What a member says when it joins. */
export interface MemberData {
  /** Tasks it owned until this join. */
  owned: number[];
  /** Generation in which it got them; a member back from a freeze claims with an old one. */
  generation: number;
  /** Positions of its tasks, and of those it had before where no later owner told as much. */
  positions: TopicPosition[];
}

/** What the leader says to one member beside its partitions. */
export interface AssignmentData {
  /** Positions of its tasks that are beyond what it told itself. */
  floors: TopicPosition[];
  /** Tasks it told of without owning them, whose owner told as much: it need not tell of them again. */
  settled: number[];
  /** Of its tasks, those that another member of this join had until now. */
  handedOver: number[];
}

export const NOTHING_OWNED: MemberData = { owned: [], generation: -1, positions: [] };
export const NOTHING_TOLD: AssignmentData = { floors: [], settled: [], handedOver: [] };

/**
 * First byte of the format. A later version appends to what is there and is read as far as it is known; one that
 * cannot be read so needs a protocol name of its own. Version 1 was JSON, and begins with its brace.
 */
const VERSION = 2;
const JSON_START = '{'.charCodeAt(0);

/** `topics`: those that stand beside the data, in any order; positions of others are left out. */
export function encodeMemberData({ owned, generation, positions }: MemberData, topics: readonly string[]): Buffer {
  const writer = new Writer();
  writer.number(generation + 1);
  writer.ranges(owned);
  writer.positions(positions, topics);
  return writer.bytes();
}

/** Reads what another version of the worker may have written; what cannot be read counts as nothing. */
export function decodeMemberData(bytes: Buffer | null, topics: readonly string[]): MemberData {
  return read(
    bytes,
    NOTHING_OWNED,
    (reader) => {
      const generation = reader.number() - 1;
      return { generation, owned: reader.ranges(), positions: reader.positions(topics) };
    },
    ({ owned = [], generation = -1, positions }) => ({ owned, generation, positions }),
  );
}

export function encodeAssignmentData({ floors, settled, handedOver }: AssignmentData, topics: readonly string[]): Buffer {
  const writer = new Writer();
  writer.positions(floors, topics);
  writer.ranges(settled);
  writer.ranges(handedOver);
  return writer.bytes();
}

/** As decodeMemberData. */
export function decodeAssignmentData(bytes: Buffer | null, topics: readonly string[]): AssignmentData {
  return read(
    bytes,
    NOTHING_TOLD,
    (reader) => ({
      floors: reader.positions(topics),
      settled: reader.ranges(),
      handedOver: reader.isAtEnd ? [] : reader.ranges(),
    }),
    ({ positions }) => ({ ...NOTHING_TOLD, floors: positions }),
  );
}

interface Version1 extends Partial<Omit<MemberData, 'positions'>> {
  positions: TopicPosition[];
}

function read<T>(bytes: Buffer | null, nothing: T, current: (reader: Reader) => T, version1: (data: Version1) => T): T {
  if (!bytes || bytes.length === 0) return nothing;
  try {
    if (bytes[0] === JSON_START) return version1(parseVersion1(bytes));
    return bytes[0]! >= VERSION ? current(new Reader(bytes.subarray(1))) : nothing;
  } catch {
    return nothing;
  }
}

function parseVersion1(bytes: Buffer): Version1 {
  const data = JSON.parse(bytes.toString()) as Partial<MemberData>;
  return { ...data, positions: (data.positions ?? []).map((position) => ({ ...position, offset: BigInt(position.offset) })) };
}

/** Both sides see the same topics, but not in the same order. */
const inOrder = (topics: readonly string[]) => [...topics].sort();

class Writer {
  readonly #bytes: number[] = [VERSION];

  /** Seven bits a byte, the lowest first. */
  number(value: number | bigint): void {
    let rest = BigInt(value);
    for (; rest >= 0x80n; rest >>= 7n) this.#bytes.push(Number(rest & 0x7fn) | 0x80);
    this.#bytes.push(Number(rest));
  }

  /** Their count, then of each how many numbers lie between it and the one before, and how many it has beyond its first. */
  ranges(numbers: readonly number[]): void {
    const ranges = toRanges(numbers);
    this.number(ranges.length);
    let next = 0;
    for (const { first, last } of ranges) {
      this.number(first - next);
      this.number(last - first);
      next = last + 1;
    }
  }

  /** For each topic its partitions, then their offsets in this order. */
  positions(positions: readonly TopicPosition[], topics: readonly string[]): void {
    const byTopic = Map.groupBy(positions, ({ topic }) => topic);
    for (const topic of inOrder(topics)) {
      const its = (byTopic.get(topic) ?? []).sort((a, b) => a.partition - b.partition);
      this.ranges(its.map(({ partition }) => partition));
      for (const { offset } of its) this.number(offset);
    }
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes);
  }
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** As far as the version wrote that this is from. */
  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  bigint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.#bytes.readUInt8(this.#at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  number(): number {
    return Number(this.bigint());
  }

  ranges(): number[] {
    const numbers: number[] = [];
    let next = 0;
    for (let left = this.number(); left > 0; left--) {
      const first = next + this.number();
      const last = first + this.number();
      // Brokers take no topic that is so wide
      if (last > MAX_PARTITION) throw new RangeError(`no partition has the number ${last}`);
      for (let each = first; each <= last; each++) numbers.push(each);
      next = last + 1;
    }
    return numbers;
  }

  positions(topics: readonly string[]): TopicPosition[] {
    return inOrder(topics).flatMap((topic) => this.ranges().map((partition) => ({ topic, partition, offset: this.bigint() })));
  }
}

const MAX_PARTITION = 1_000_000;

function toRanges(numbers: readonly number[]): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (const number of [...numbers].sort((a, b) => a - b)) {
    const before = ranges.at(-1);
    if (before?.last === number - 1) before.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges;
}

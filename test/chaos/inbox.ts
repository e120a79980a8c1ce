/**
 * Says whether an HTTP ingress kept what its answers say: 202 is "in Kafka". Pure, and linear in events and records. Texts
 * stand for bytes: they are only compared.
 */
import { Findings } from './findings.ts';
import type { Finding, Verdict } from './judge.ts';

/** An event that a client POSTed until it was accepted; its value is what only this event is encoded to. */
export interface PostedEvent {
  client: number;
  key: string;
  value: string;
  /** How often; more than once where an answer was another than 202, or did not come. */
  posts: number;
  isAccepted: boolean;
}

export interface InboxRecord {
  partition: number;
  offset: number;
  key: string | null;
  value: string | null;
}

export interface InboxEvidence {
  /** Of each client in the order in which it POSTed them: the next one when the last was accepted. */
  posted: readonly PostedEvent[];
  topic: string;
  /** By partition in order of offsets. */
  records: readonly InboxRecord[];
}

/** `repeated`: records that came again, of an event that was POSTed as often at least. */
export interface InboxVerdict extends Verdict {
  repeated: number;
  accepted: number;
}

export function judgeInbox({ posted, topic, records }: InboxEvidence): InboxVerdict {
  const findings = new Findings();
  const indexOf = new Map(posted.map(({ value }, index) => [value, index]));
  const copies = new Uint32Array(posted.length);
  const last = new Map<string, { index: number; partition: number }>();
  for (const { partition, offset, key, value } of records) {
    const place = `${topic}/${partition}/${offset}`;
    const index = value === null ? undefined : indexOf.get(value);
    const event = index === undefined ? undefined : posted[index];
    if (index === undefined || !event) {
      findings.add('invented', `${place} was never POSTed`);
      continue;
    }
    if (key !== event.key) findings.add('altered', `${place} has the key ${key}, not ${event.key}`);
    copies[index]!++;
    if (copies[index]! > event.posts)
      findings.add('doubled', `${place} is there ${copies[index]} times, and was POSTed ${event.posts} times`);
    const lane = `${event.client}/${event.key}`;
    const before = last.get(lane);
    if (before && before.partition !== partition)
      findings.add('reordered', `${place} is in another partition than others of its key, in ${before.partition}`);
    if (copies[index]! > 1) continue;
    if (before && index < before.index) findings.add('reordered', `${place} comes after what its client POSTed later`);
    last.set(lane, { index: Math.max(index, before?.index ?? index), partition });
  }
  for (const [index, { client, isAccepted, key }] of posted.entries()) {
    if (isAccepted && copies[index] === 0)
      findings.add('lost', `event ${index} of client ${client} and ${key} got 202 and is not in ${topic}`);
  }
  const accepted = posted.filter(({ isAccepted }) => isAccepted).length;
  if (accepted === 0) findings.add('no-evidence', 'no event was accepted');
  const all: Finding[] = findings.all();
  return {
    isClean: all.length === 0,
    findings: all,
    redelivered: 0,
    accepted,
    repeated: copies.reduce((sum, each) => sum + Math.max(0, each - 1), 0),
  };
}

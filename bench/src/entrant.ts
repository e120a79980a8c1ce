/** What takes part: one subject at one kind of work. */
export const SUBJECTS = ['sagafleet', 'kafkajs', 'kafka-streams', 'franz-go', 'platformatic-kafka', 'confluent-kafka-javascript'] as const;
export type SubjectName = (typeof SUBJECTS)[number];

export type Mode = 'exactly-once' | 'at-least-once';
/** `raw`: the event goes out as it came in. `cel`: a CEL map builds an event of another schema. */
export type Work = 'raw' | 'cel';
/** `kept`: a record leaves in the partition it came in by. `spread`: a new key spreads them over all. */
export type Keys = 'kept' | 'spread';

export interface Entrant {
  subject: SubjectName;
  mode: Mode;
  work: Work;
  keys: Keys;
}

export function nameOf({ subject, mode, work, keys }: Entrant): string {
  return `${subject} ${mode} ${work}${keys === 'spread' ? ' spread' : ''}`;
}

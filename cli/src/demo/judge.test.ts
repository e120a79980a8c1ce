import { describe, expect, test } from 'vitest';
import { isPerfect, judgeOrders, ORDER_TOPICS, type Findings, type OrderRecord } from './judge.ts';

const allEvents = (key: string): OrderRecord[] => ORDER_TOPICS.map((topic, at) => ({ topic, key, timestampMs: 1_000 + 10 * at }));

function findings(records: OrderRecord[], changes: Partial<Findings> = {}): Findings {
  return {
    records,
    deadLetterTopics: ['default.payment.dlq'],
    ends: [{ topic: 'order_paid', partition: 0, end: 4n }],
    committed: [{ topic: 'order_paid', partition: 0, offset: 4n }],
    ...changes,
  };
}

describe('the judge of the demo', () => {
  test('is content when every order has its five events once and notification is at the ends', () => {
    const verdict = judgeOrders(['a', 'b'], findings([...allEvents('a'), ...allEvents('b')]));
    expect(verdict).toMatchObject({ orders: 2, completed: 2, duplicates: 0, missing: 0, deadLetters: 0, behind: 0 });
    expect(isPerfect(verdict)).toBe(true);
  });

  const DEFECTS: Record<string, [Findings, object]> = {
    'a missing event': [findings(allEvents('a').slice(1)), { completed: 0, missing: 1 }],
    'a doubled event': [findings([...allEvents('a'), allEvents('a')[2]!]), { completed: 0, duplicates: 1 }],
    'a dead letter': [findings([...allEvents('a'), { topic: 'default.payment.dlq', key: 'x', timestampMs: 0 }]), { deadLetters: 1 }],
    'an offset behind the end': [
      findings(allEvents('a'), { committed: [{ topic: 'order_paid', partition: 0, offset: 3n }] }),
      { behind: 1 },
    ],
    'no offset at all': [findings(allEvents('a'), { committed: [] }), { behind: 1 }],
  };
  test.each(Object.entries(DEFECTS))('finds %s', (_, [found, expected]) => {
    const verdict = judgeOrders(['a'], found);
    expect(verdict).toMatchObject(expected);
    expect(isPerfect(verdict)).toBe(false);
  });

  test('counts events of other runs but does not judge them', () => {
    const verdict = judgeOrders(['a'], findings([...allEvents('a'), ...allEvents('old'), ...allEvents('old')]));
    expect(verdict.topics['order_paid']).toBe(3);
    expect(isPerfect(verdict)).toBe(true);
  });

  test('tells the median time of each hop', () => {
    expect(judgeOrders(['a'], findings(allEvents('a'))).hopsMs).toEqual({ payment: 10, inventory: 20, shipping: 20, delivery: 10 });
  });
});

/** The events of the benchmark: about 120 bytes of Avro each, the same in every run. */

/** Subject in the registry, and text of the schema of what comes in and, with work `raw`, of what goes out. */
export const ORDER_SUBJECT = 'bench-order-value';
export const ORDER_SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Order',
  namespace: 'bench',
  fields: [
    { name: 'orderId', type: 'string' },
    { name: 'userId', type: 'string' },
    { name: 'status', type: 'string' },
    { name: 'timestamp', type: 'long' },
    { name: 'amount', type: 'double' },
    { name: 'currency', type: 'string' },
    { name: 'city', type: 'string' },
  ],
});

/** Of what goes out with work `cel`. */
export const PAYMENT_SUBJECT = 'bench-payment-value';
export const PAYMENT_SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Payment',
  namespace: 'bench',
  fields: [
    { name: 'paymentId', type: 'string' },
    { name: 'orderId', type: 'string' },
    { name: 'userId', type: 'string' },
    { name: 'status', type: 'string' },
    { name: 'timestamp', type: 'long' },
    { name: 'amount', type: 'double' },
  ],
});

/** CEL that makes the one of the other. */
export const PAYMENT_OF_ORDER = `{
  'paymentId': 'payment-' + event.orderId,
  'orderId': event.orderId,
  'userId': event.userId,
  'status': 'PAID',
  'timestamp': event.timestamp,
  'amount': event.amount
}`;

/** CEL of a key that has nothing to do with the input's, so that records of one partition go to all. */
export const OTHER_KEY = 'event.userId';

export interface Order {
  orderId: string;
  userId: string;
  status: string;
  timestamp: bigint;
  amount: number;
  currency: string;
  city: string;
}

const FIRST_TIMESTAMP_MS = 1_767_225_600_000n;
const USERS = 50_021;
const CITIES = ['Amsterdam', 'Barcelona', 'Copenhagen', 'Dublin', 'Edinburgh'];

/** @param at number of the order, from 0 */
export function orderAt(at: number): Order {
  return {
    orderId: `order-${hex(at, 8)}-4a5b-4c6d-${hex(at * 7919, 12)}`,
    userId: `user-${hex((at * 31) % USERS, 8)}-8b7a-4e5f-9c0d`,
    status: 'CREATED',
    timestamp: FIRST_TIMESTAMP_MS + BigInt(at),
    amount: (at % 10_000) / 100,
    currency: 'EUR',
    city: CITIES[at % CITIES.length]!,
  };
}

function hex(value: number, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

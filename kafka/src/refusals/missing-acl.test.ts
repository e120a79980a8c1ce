import { expect, test } from 'vitest';
import { missingAcl, type NeededAcls, principalOf } from './missing-acl.ts';

const NEEDED: NeededAcls = {
  topic: { operations: ['READ', 'DESCRIBE'], names: ['orders', 'bookings', 'payments'] },
  group: { operations: ['READ'], names: ['default.payment'] },
  transactionalId: { operations: ['WRITE', 'DESCRIBE'], names: ['sagafleet.default.payment.0'] },
  cluster: { operations: ['IDEMPOTENT_WRITE'] },
};

const refused = (type: string) => Object.assign(new Error('no'), { type });

const CASES: Record<string, { error: unknown; needed?: NeededAcls; advice: string | null }> = {
  'a topic, which of several is not said': {
    error: refused('TOPIC_AUTHORIZATION_FAILED'),
    advice: 'grant READ and DESCRIBE on topic orders, bookings and payments to User:ANONYMOUS',
  },
  'a group': { error: refused('GROUP_AUTHORIZATION_FAILED'), advice: 'grant READ on group default.payment to User:ANONYMOUS' },
  'a transactional id': {
    error: refused('TRANSACTIONAL_ID_AUTHORIZATION_FAILED'),
    advice: 'grant WRITE and DESCRIBE on transactional id sagafleet.default.payment.0 to User:ANONYMOUS',
  },
  'the cluster': { error: refused('CLUSTER_AUTHORIZATION_FAILED'), advice: 'grant IDEMPOTENT_WRITE on the cluster to User:ANONYMOUS' },
  'a resource that nobody thought of': {
    error: refused('CLUSTER_AUTHORIZATION_FAILED'),
    needed: {},
    advice: 'grant it on the cluster by an ACL to User:ANONYMOUS',
  },
  'what another error has as its cause': {
    error: new Error('retries', { cause: refused('GROUP_AUTHORIZATION_FAILED') }),
    advice: 'grant READ on group default.payment to User:ANONYMOUS',
  },
  'nothing: another answer': { error: refused('NOT_COORDINATOR_FOR_GROUP'), advice: null },
  'nothing: no answer': { error: new Error('closed'), advice: null },
  'nothing: no error': { error: null, advice: null },
};

test.each(Object.entries(CASES))('%s', (_sentence, { error, needed = NEEDED, advice }) => {
  expect(missingAcl(error, needed, principalOf({ sasl: null }))).toBe(advice);
});

test('who logs in is named as ACLs name users', () => {
  expect(principalOf({ sasl: { mechanism: 'plain', username: 'payment', password: '' } })).toBe('User:payment');
});

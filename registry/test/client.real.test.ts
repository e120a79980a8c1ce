import { randomUUID } from 'node:crypto';
import { AvroCodecs, RegistryClient, type RegistryOptions } from '@sagafleet/registry';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { AuthProxy } from '../../test/support/auth-proxy.ts';

function order(...more: unknown[]): string {
  return JSON.stringify({
    type: 'record',
    name: 'OrderEvent',
    fields: [{ name: 'orderId', type: 'string' }, { name: 'timestamp', type: 'long' }, ...more],
  });
}

/** A subject of its own for each test, with the character that needs encoding. */
const newSubject = () => `team/orders-${randomUUID()}-value`;

let proxy: AuthProxy;
beforeAll(async () => {
  proxy = await AuthProxy.open(inject('registryUrl'));
});
afterAll(() => proxy.close());

const ACCESS: Record<string, () => RegistryOptions> = {
  'without authentication': () => ({ url: inject('registryUrl') }),
  'behind basic authentication': () => ({ url: proxy.url, ...proxy.credentials }),
};

describe.each(Object.entries(ACCESS))('a real registry %s', (_access, options) => {
  let registry: RegistryClient;
  beforeAll(() => {
    registry = new RegistryClient(options());
  });

  test('gives back what was registered, by id, version and text', async () => {
    const subject = newSubject();
    const { id, version } = await registry.register(subject, order());
    expect(version).toBe(1);
    expect(await registry.schemaById(id)).toMatchObject({ id, schema: order() });
    expect(await registry.latest(subject)).toMatchObject({ subject, id, version: 1, schema: order() });
    expect(await registry.version(subject, 1)).toMatchObject({ id });
    expect(await registry.lookup(subject, order())).toEqual({ id, version: 1 });
    expect(await registry.register(subject, order())).toEqual({ id, version: 1 });
    expect(await registry.subjects()).toContain(subject);
  });

  test('refuses what does not fit the level that was set', async () => {
    const subject = newSubject();
    await registry.register(subject, order());
    await registry.setCompatibilityLevel(subject, 'FULL_TRANSITIVE');
    expect(await registry.compatibilityLevel(subject)).toBe('FULL_TRANSITIVE');
    const added = order({ name: 'note', type: 'string' });
    expect(await registry.checkCompatibility(subject, added)).toMatchObject({ compatible: false });
    await expect(registry.register(subject, added)).rejects.toMatchObject({ code: 'incompatible' });
    expect(await registry.checkCompatibility(subject, order({ name: 'note', type: 'string', default: '' }))).toMatchObject({
      compatible: true,
    });
  });

  test('says what it does not know', async () => {
    const subject = newSubject();
    await expect(registry.schemaById(987_654_321)).rejects.toMatchObject({ code: 'schema-unknown', consequence: 'permanent' });
    await expect(registry.latest(subject)).rejects.toMatchObject({ code: 'subject-unknown' });
    expect(await registry.compatibilityLevel(subject)).toBeNull();
    expect(await registry.checkCompatibility(subject, order())).toMatchObject({ compatible: true });
    await expect(registry.register(subject, '{}')).rejects.toMatchObject({ code: 'invalid-schema' });
  });

  // birdayz/kaf#308, Strech/avrora#48
  test('resolves references at the version that they name', async () => {
    const [customers, orders] = [newSubject(), newSubject()];
    const customer = JSON.stringify({ type: 'record', name: 'Customer', fields: [{ name: 'vip', type: 'boolean' }] });
    await registry.register(customers, customer);
    const schema = JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'customer', type: 'Customer' }] });
    const { id } = await registry.register(orders, schema, [{ name: 'Customer', subject: customers, version: 1 }]);
    await registry.setCompatibilityLevel(customers, 'NONE');
    await registry.register(customers, customer.replace('"vip"', '"level"'));
    const codecs = new AvroCodecs(new RegistryClient(options()));
    const source = { kind: 'subject', subject: orders, version: 'latest' } as const;
    const [encoder, decoder] = await Promise.all([codecs.loadEncoder(source), codecs.loadDecoder(id, source)]);
    expect(decoder.decode(encoder.encode({ customer: { vip: true } }))).toEqual({ customer: { vip: true } });
  });
});

test('a registry that demands credentials and gets none, or wrong ones', async () => {
  for (const credentials of [{}, { ...proxy.credentials, password: 'wrong' }]) {
    const registry = new RegistryClient({ url: proxy.url, ...credentials });
    await expect(registry.schemaById(987_654_321)).rejects.toMatchObject({ code: 'unauthorized', consequence: 'systemic' });
  }
});

import { createRequire } from 'node:module';
import { describe, expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../../test/private-copy.ts';
import { hardenKafkajs, OVERRIDES, refuseUnlessHardened, verifyHardening } from './harden-kafkajs.ts';

test('a process that has not hardened kafkajs fails its self-test, with the names', () => {
  expect(verifyHardening).toThrow(/request-copies.*member-id/);
});

test('hardening twice is hardening once, and the self-test passes', () => {
  hardenKafkajs();
  hardenKafkajs();
  verifyHardening();
});

test('the self-test names the one override that was undone', () => {
  hardenKafkajs();
  const { prototype } = createRequire(import.meta.url)('kafkajs/src/consumer/consumerGroup') as { prototype: { fetch: unknown } };
  const { fetch } = prototype;
  onTestFinished(() => {
    prototype.fetch = fetch;
  });
  prototype.fetch = undefined;
  expect(verifyHardening).toThrow(
    expect.objectContaining({
      code: 'not-hardened',
      consequence: 'fatal',
      message: expect.stringMatching(/without membership-only, call/),
    }),
  );
});

describe.each(OVERRIDES)('$name', (override) => {
  test('is not active in kafkajs as published', () => {
    const copy = privateCopy();
    onTestFinished(() => copy[Symbol.dispose]());
    expect(override.isActive(copy.internals)).toBe(false);
  });

  test('is active where it alone was installed', () => {
    const copy = privateCopy(override);
    onTestFinished(() => copy[Symbol.dispose]());
    expect(override.isActive(copy.internals)).toBe(true);
  });

  test('left out alone, it is named by the self-test', () => {
    const copy = privateCopy(...OVERRIDES.filter((other) => other !== override));
    onTestFinished(() => copy[Symbol.dispose]());
    expect(() => refuseUnlessHardened(copy.internals)).toThrow(
      expect.objectContaining({
        code: 'not-hardened',
        message: expect.stringContaining(`without ${override.name}, call`),
      }),
    );
  });
});

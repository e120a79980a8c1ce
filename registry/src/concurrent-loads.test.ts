/** Tasks of a process share its codecs: their loads meet each other, the refresh and evictions. */
import type { SchemaSource } from '@sagafleet/schemas';
import { expect, test } from 'vitest';
import { AvroCodecs } from './codecs.ts';
import type { SchemaLookup } from './codecs.ts';

const schemaOf = (...more: object[]) =>
  JSON.stringify({ type: 'record', name: 'Event', fields: [{ name: 'id', type: 'string' }, ...more] });
const NOTE = { name: 'note', type: 'string', default: 'none' };
const LATEST: SchemaSource = { kind: 'subject', subject: 'events-value', version: 'latest' };

/** `{id: "a"}`, as both writers write it. */
const valueOf = (schemaId: number) => Buffer.from([0, 0, 0, 0, schemaId, 2, 97]);

/** A registry whose answers come when the test says so, in its order. */
class SlowRegistry implements SchemaLookup {
  readonly asked: string[] = [];
  latestId = 7;
  latestSchema = schemaOf();
  readonly #waiting: { call: string; answer: () => void; fail: (error: Error) => void }[] = [];

  schemaById(id: number) {
    return this.#ask(`id ${id}`, () => ({ id, schema: schemaOf(), dependencies: [], references: [] }));
  }

  latest(subject: string) {
    return this.#ask('latest', () => ({
      id: this.latestId,
      subject,
      version: 1,
      schema: this.latestSchema,
      dependencies: [],
      references: [],
    }));
  }

  version(subject: string) {
    return this.latest(subject);
  }

  lookup() {
    return this.#ask('lookup', () => ({ id: this.latestId, version: 1 }));
  }

  /** The oldest open call of that name is answered with what holds now. */
  async answer(call: string): Promise<void> {
    (await this.#open(call)).answer();
    await settled();
  }

  async fail(call: string, error: Error): Promise<void> {
    (await this.#open(call)).fail(error);
    await settled();
  }

  async #open(call: string) {
    await settled();
    const at = this.#waiting.findIndex((each) => each.call === call);
    if (at < 0) throw new Error(`nothing waits for ${call}, but for ${this.#waiting.map((each) => each.call).join(', ') || 'nothing'}`);
    return this.#waiting.splice(at, 1)[0]!;
  }

  #ask<T>(call: string, answer: () => T): Promise<T> {
    this.asked.push(call);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ call, answer: () => resolve(answer()), fail: reject });
    });
  }
}

/** Every promise that can go on has gone on. */
const settled = () => new Promise(setImmediate);

function opened() {
  const registry = new SlowRegistry();
  return { registry, codecs: new AvroCodecs(registry) };
}

test('two ids of one reader that are loaded at once are both kept', async () => {
  const { registry, codecs } = opened();
  const loads = [codecs.loadDecoder(1, LATEST), codecs.loadDecoder(2, LATEST)];
  await registry.answer('latest');
  await registry.answer('id 1');
  await registry.answer('id 2');
  for (const decoder of await Promise.all(loads)) {
    expect(codecs.decoder(decoder.schemaId, LATEST)).toBe(decoder);
    expect(decoder.decode(valueOf(decoder.schemaId))).toEqual({ id: 'a' });
  }
  expect(registry.asked).toEqual(['latest', 'id 1', 'id 2']);
});

test('one id is loaded once, for one reader as for several, and all get it', async () => {
  const { registry, codecs } = opened();
  const loads = [codecs.loadDecoder(1, LATEST), codecs.loadDecoder(1, LATEST), codecs.loadDecoder(1, null)];
  await registry.answer('latest');
  await registry.answer('id 1');
  const [first, second, other] = await Promise.all(loads);
  expect(second).toBe(first);
  expect(other).not.toBe(first);
  expect(registry.asked).toEqual(['latest', 'id 1']);
});

test('a load that fails fails for all who wait, and is not remembered', async () => {
  const { registry, codecs } = opened();
  const loads = Promise.allSettled([codecs.loadDecoder(1, null), codecs.loadDecoder(1, null)]);
  await registry.fail('id 1', new Error('away'));
  expect((await loads).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  const again = codecs.loadDecoder(1, null);
  await registry.answer('id 1');
  expect((await again).schemaId).toBe(1);
});

test("a refresh in the middle of a load: who waits gets a decoder, the next one gets the new reader's", async () => {
  const { registry, codecs } = opened();
  const first = codecs.loadDecoder(1, LATEST);
  await registry.answer('latest');
  registry.latestId = 8;
  registry.latestSchema = schemaOf(NOTE);
  const refresh = codecs.refresh();
  await registry.answer('latest');
  await refresh;
  await registry.answer('id 1');
  expect((await first).decode(valueOf(1))).toEqual({ id: 'a' });
  expect(codecs.decoder(1, LATEST)).toBeUndefined();
  expect((await codecs.loadDecoder(1, LATEST)).decode(valueOf(1))).toEqual({ id: 'a', note: 'none' });
});

test('a reader that changes needs no registry for the ids that are known', async () => {
  const { registry, codecs } = opened();
  const first = codecs.loadDecoder(1, LATEST);
  await registry.answer('latest');
  await registry.answer('id 1');
  await first;
  registry.latestId = 8;
  registry.latestSchema = schemaOf(NOTE);
  const refresh = codecs.refresh();
  await registry.answer('latest');
  await refresh;
  expect((await codecs.loadDecoder(1, LATEST)).decode(valueOf(1))).toEqual({ id: 'a', note: 'none' });
  expect(registry.asked).toEqual(['latest', 'id 1', 'latest']);
});

test('refreshes never overlap: an older answer does not replace a newer one', async () => {
  const { registry, codecs } = opened();
  const load = codecs.loadEncoder(LATEST);
  await registry.answer('latest');
  await load;
  const refreshes = [codecs.refresh(), codecs.refresh()];
  registry.latestId = 8;
  await registry.answer('latest');
  await Promise.all(refreshes);
  expect(codecs.encoder(LATEST)?.schemaId).toBe(8);
  expect(registry.asked).toEqual(['latest', 'latest']);
});

test('what cannot be refreshed stays, all else is refreshed', async () => {
  const { registry, codecs } = opened();
  const loads = [codecs.loadEncoder(LATEST), codecs.loadDecoder(1, LATEST)];
  await registry.answer('latest');
  await registry.answer('latest');
  await registry.answer('id 1');
  await Promise.all(loads);
  registry.latestId = 8;
  registry.latestSchema = schemaOf(NOTE);
  const refresh = codecs.refresh();
  refresh.catch(() => undefined);
  await registry.fail('latest', new Error('away'));
  await registry.answer('latest');
  await expect(refresh).rejects.toThrow('away');
  expect(codecs.encoder(LATEST)?.schemaId).toBe(7);
  expect((await codecs.loadDecoder(1, LATEST)).decode(valueOf(1))).toEqual({ id: 'a', note: 'none' });
});

test('an encoder is loaded once however many ask, and stays through a refresh in the middle', async () => {
  const { registry, codecs } = opened();
  const inline: SchemaSource = { kind: 'inline', subject: 'events-value', avro: schemaOf() };
  const loads = [codecs.loadEncoder(inline), codecs.loadEncoder(inline)];
  await codecs.refresh();
  await registry.answer('lookup');
  const [first, second] = await Promise.all(loads);
  expect(second).toBe(first);
  expect(codecs.encoder(inline)).toBe(first);
  expect(registry.asked).toEqual(['lookup']);
});

test('decoders beyond those that are kept still reach those who asked', async () => {
  const { codecs, registry } = opened();
  const loads = Array.from({ length: 1_001 }, (_, id) => codecs.loadDecoder(id, null));
  for (let id = 0; id <= 1_000; id++) await registry.answer(`id ${id}`);
  expect((await Promise.all(loads)).map(({ schemaId }) => schemaId)).toEqual(Array.from({ length: 1_001 }, (_, id) => id));
  expect(codecs.decoder(0, null)).toBeUndefined();
  expect(codecs.decoder(1_000, null)).toBeDefined();
});

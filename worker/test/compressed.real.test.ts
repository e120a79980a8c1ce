import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { DELIVERY } from '../../test/support/settings.ts';
import { sendBomb, sendCompressed } from './support/compressed-batch.ts';
import { headersOf, StepFixture } from './support/step-fixture.ts';

const MIB = 1024 * 1024;

/** Text of which a third is noise, the same in each run: 2 MiB of it are below 1 MiB with every codec. */
function prose(bytes: number): string {
  const sentences: string[] = [];
  let state = 1;
  for (let length = 0; length < bytes; length += sentences.at(-1)!.length) {
    let noise = '';
    while (noise.length < 30) noise += (state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0).toString(36);
    sentences.push(`${noise} was delivered to the address that the customer had given with the order. `);
  }
  return sentences.join('').slice(0, bytes);
}

const NOTES = { 'text of 2.1 MB': prose(2_100_000), 'text of 3 MiB in 3 kB': 'x'.repeat(3 * MIB) };

test.each(['gzip', 'snappy', 'lz4', 'zstd'])(
  'records that are larger than a topic takes, but not with %s, come out, or are dead letters byte for byte',
  async (codec) => {
    const step = await StepFixture.create({
      partitions: 1,
      topicConfig: { input: { 'compression.type': codec } },
      settings: () => ({ delivery: { ...DELIVERY, maxBatchBytes: 4 * MIB } }),
    });
    const encode = await step.encoderOf(step.names.input);
    const small = async (id: string) => step.send([{ key: id, value: encode({ id, amount: 1n, note: '' }) }]);
    for (const [id, note] of Object.entries(NOTES)) {
      await sendCompressed(step, [{ key: id, value: encode({ id, amount: 1n, note }) }]);
      await small(`after ${id}`);
      await sendCompressed(step, [{ key: id, value: Buffer.from(note) }]);
      await small(`after bad ${id}`);
    }
    const huge = { key: 'huge', value: encode({ id: 'huge', amount: 1n, note: NOTES['text of 3 MiB in 3 kB'] }) };
    await sendCompressed(step, [huge, huge, huge]);
    await small('last');
    const worker = await step.startWorker();
    await step.drained();

    const outputs = await Promise.all(
      (await step.read(step.names.output)).map(async (output) => (await step.decode(output)) as { id: string; note: string }),
    );
    expect(outputs.map(({ id }) => id)).toEqual([...Object.keys(NOTES).flatMap((id) => [id, `after ${id}`, `after bad ${id}`]), 'last']);
    expect(outputs.filter(({ note }) => note !== '').map(({ note }) => Object.values(NOTES).indexOf(note))).toEqual([0, 1]);
    const letters = await step.read(step.names.deadLetter);
    expect(letters.map(({ value }) => value && Object.values(NOTES).indexOf(value.toString()))).toEqual([0, 1, null]);
    expect(letters.map((letter) => headersOf(letter)['sagafleet-stub'])).toEqual([
      undefined,
      undefined,
      `more than ${4 * MIB} bytes when decompressed`,
    ]);
    expect(headersOf(letters[2]!)).toMatchObject({
      'sagafleet-original-offset': '8',
      'sagafleet-original-last-offset': '10',
      'sagafleet-stage': 'decode',
      'sagafleet-error-class': 'permanent',
      'sagafleet-error-message': expect.stringContaining('up to offset 10 cannot be read') as string,
    });
    expect(worker.log.filter(({ msg }) => msg === 'dead letter').map(({ stub }) => stub === undefined)).toEqual([true, true, false]);
  },
);

test('a batch of 2.9 GB in a few kilobytes is one stub, and takes no memory', async () => {
  const step = await StepFixture.create({ partitions: 1 });
  const [before, after] = await step.events(['before', 'after']);
  const worker = await step.startWorker();
  await step.send([before!]);
  await step.drained();
  const usual = peakMemoryOf(worker.pid);
  expect(await sendBomb(step, [1_450_000_000, 1_450_000_000])).toBeLessThan(500_000);
  await step.send([after!]);
  await step.drained();
  const letters = await step.read(step.names.deadLetter);
  expect(letters.map(({ key, value }) => ({ key, value }))).toEqual([{ key: null, value: null }]);
  expect(headersOf(letters[0]!)).toMatchObject({
    'sagafleet-original-offset': '1',
    'sagafleet-original-last-offset': '2',
    'sagafleet-stub': `more than ${64 * MIB} bytes when decompressed`,
  });
  expect((await step.read(step.names.output)).map(({ key }) => String(key))).toEqual(['before', 'after']);
  if (usual !== null) expect(peakMemoryOf(worker.pid)! - usual).toBeLessThan(200 * MIB);
}, 120_000);

/** Resident, in bytes; null where the system does not tell. */
function peakMemoryOf(pid: number): number | null {
  if (process.platform !== 'linux') return null;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

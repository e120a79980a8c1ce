import { KafkaAdmin } from '@sagafleet/kafka';
import { resumeGroupOf } from '@sagafleet/schemas';
import { expect, inject, onTestFinished, test } from 'vitest';
import { run } from '../src/program.ts';

let created = 0;

/** Of each partition in turn, the note that its task committed. */
async function groupWith(notes: readonly string[]): Promise<{ step: string; topic: string; admin: KafkaAdmin }> {
  const step = `resumed-${process.pid}-${++created}`;
  const topic = `${step}-in`;
  const admin = new KafkaAdmin({ brokers: [inject('brokers')], tls: false, sasl: null, clientId: 'test' }, { log: () => undefined });
  await admin.connect();
  onTestFinished(() => admin.close());
  await admin.createTopics([{ name: topic, partitions: notes.length, replicationFactor: 1, config: {} }]);
  await admin.commitOffsets(
    `shop.${step}`,
    notes.map((note, partition) => ({ topic, partition, offset: BigInt(10 + partition), note })),
  );
  return { step, topic, admin };
}

async function resume(...args: string[]) {
  let [stdout, stderr] = ['', ''];
  const code = await run(['resume', '--kafka', inject('brokers'), ...args], {
    stdout: {
      write: (text: string) => {
        stdout += text;
      },
    },
    stderr: {
      write: (text: string) => {
        stderr += text;
      },
    },
    env: {},
    cwd: '.',
    isTerminal: false,
  });
  return { code, stdout, stderr };
}

test('stopped tasks go on from where they stopped, and no others', async () => {
  const { step, topic, admin } = await groupWith(['attempt:1', 'stopped:0a1b2c3d4e5f', 'attempt:2,records:8']);
  expect(await resume(step, '--namespace', 'shop')).toEqual({ code: 0, stdout: `${topic}/1 goes on from offset 11\n`, stderr: '' });
  const resumed = await admin.committedOffsets(resumeGroupOf(`shop.${step}`), [topic]);
  expect(resumed.map(({ offset }) => offset)).toEqual([null, 11n, null]);
});

test('where nothing is stopped it says so', async () => {
  const { step } = await groupWith(['attempt:1']);
  expect(await resume(step, '--group', `shop.${step}`)).toEqual({
    code: 1,
    stdout: '',
    stderr: `no task of group shop.${step} is stopped\n`,
  });
  expect(await resume('never-applied')).toMatchObject({ code: 1, stderr: 'no task of group default.never-applied is stopped\n' });
});

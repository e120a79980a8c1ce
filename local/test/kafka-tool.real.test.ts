import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, expect, inject, test } from 'vitest';
import { defaultCacheDir } from '../src/jvm/cache.ts';
import { findJava } from '../src/jvm/java.ts';
import { kafkaToolCommand } from '../src/jvm/kafka-tool.ts';
import { type KafkaTools, prepareKafka } from '../src/jvm/prepare.ts';

const topic = `tool_${process.pid}`;
let tools: KafkaTools;

beforeAll(async () => {
  const { env } = process;
  tools = await prepareKafka({ env, java: await findJava(env), cacheDir: defaultCacheDir(env), onProgress: () => {} });
});

async function run(name: string, ...args: string[]): Promise<string> {
  const { command, args: all, env } = kafkaToolCommand(tools, { name, args, brokers: inject('brokers') });
  const { stdout, stderr } = await promisify(execFile)(command, [...all], { env: env as NodeJS.ProcessEnv });
  return stdout + stderr;
}

test("Kafka's own tools run, by either name, without noise", async () => {
  expect(await run('kafka-topics', '--create', '--topic', topic)).toContain(`Created topic ${topic}`);
  expect((await run('topics', '--list')).split('\n')).toContain(topic);
  expect(await run('get-offsets', '--topic', topic)).toBe(`${topic}:0:0\n${topic}:1:0\n${topic}:2:0\n`);
});

test('a failing tool fails', async () => {
  await expect(run('topics', '--describe', '--topic', 'never_made')).rejects.toMatchObject({ code: 1 });
});

test('an unknown tool is refused with those that there are', () => {
  expect(() => kafkaToolCommand(tools, { name: 'topic', args: [], brokers: '' })).toThrow(/no tool topic; use one of .*topics/);
});

test('brokers that are named are kept', () => {
  const call = { name: 'topics', args: ['--bootstrap-server', 'other:1', '--list'], brokers: 'localhost:9092' };
  const { args } = kafkaToolCommand(tools, call);
  expect(args.join(' ')).not.toContain('localhost:9092');
});

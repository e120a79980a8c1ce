import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LookUpSchema, validateCommand } from './validate.ts';

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'validate-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const nothingKnown: LookUpSchema = () => Promise.resolve(null);

async function validate(args: string[], connectRegistry: (url: string) => LookUpSchema = () => nothingKnown) {
  let [stdout, stderr, code] = ['', '', -1];
  const io = {
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
    cwd: folder,
    isTerminal: false,
  };
  await validateCommand({
    io,
    exit: (ended) => {
      code = ended;
    },
    connectRegistry,
  }).parseAsync(args, { from: 'user' });
  return { stdout, stderr, code };
}

const step = (event: string): string => `
apiVersion: sagafleet.dev/v1alpha1
kind: SagaStep
metadata: {name: payment}
spec:
  consumes: [{topic: order_created}]
  outcomes: {paid: {emit: [{topic: order_paid, event: "${event}"}]}}
`;

test('a good step: exit 0 and one line', async () => {
  await writeFile(join(folder, 'step.yaml'), step('event'));
  expect(await validate(['step.yaml'])).toEqual({ stdout: '1 step: no problems\n', stderr: '', code: 0 });
});

test('a mistake: exit 1, place, excerpt and count', async () => {
  await writeFile(join(folder, 'step.yaml'), step('evnt'));
  await writeFile(join(folder, 'other.yaml'), 'kind: ConfigMap\n');
  const { stdout, code } = await validate(['.']);
  expect(code).toBe(1);
  expect(stdout).toBe(
    [
      'step.yaml:7:56: spec.outcomes.paid.emit[0].event: unknown name "evnt", did you mean "event"?',
      '  7 |   outcomes: {paid: {emit: [{topic: order_paid, event: "evnt"}]}}',
      '    |                                                        ^^^^',
      '',
      'other.yaml: ConfigMap skipped, not a SagaStep',
      '1 step: 1 error',
      '',
    ].join('\n'),
  );
});

test('a warning alone: exit 0', async () => {
  await writeFile(join(folder, 'step.yaml'), step('event').replace('topic: order_created', "topic: 'shop_*'"));
  const { stdout, code } = await validate(['step.yaml']);
  expect(code).toBe(0);
  expect(stdout).toContain('step.yaml:6:22: warning: spec.consumes[0].topic: "shop_*" matches no topic of these steps');
});

test('JSON: nothing but JSON', async () => {
  await writeFile(join(folder, 'step.yaml'), step('evnt'));
  const { stdout, code } = await validate(['step.yaml', '--output', 'json']);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toEqual({
    steps: 1,
    problems: [
      {
        severity: 'error',
        file: 'step.yaml',
        line: 7,
        column: 56,
        path: 'spec.outcomes.paid.emit[0].event',
        message: 'unknown name "evnt", did you mean "event"?',
      },
    ],
    skipped: [],
  });
});

test('a registry tells the fields of events', async () => {
  await writeFile(join(folder, 'step.yaml'), step("{'s': event.statsu}"));
  expect((await validate(['step.yaml'])).code).toBe(0);
  const asked: unknown[] = [];
  const { stdout, code } = await validate(['step.yaml', '--registry', 'http://registry'], (url) => (subject) => {
    asked.push(url, subject);
    const schema = { type: 'record', name: 'OrderEvent', fields: [{ name: 'status', type: 'string' }] };
    return Promise.resolve(subject.subject === 'order_created-value' ? { schema, misfit: null } : null);
  });
  expect(code).toBe(1);
  expect(stdout).toContain('no field "statsu" in OrderEvent, did you mean "status"?');
  expect(asked.slice(0, 2)).toEqual(['http://registry', { subject: 'order_created-value', version: 'latest' }]);
});

test('a registry tells of a schema that nothing can be written with', async () => {
  await writeFile(join(folder, 'step.yaml'), step('event').replace('topic: order_paid,', 'topic: order_paid, schema: {subject: parcels},'));
  const lookUp: LookUpSchema = ({ subject }) =>
    Promise.resolve(subject === 'parcels' ? { schema: {}, misfit: 'field "door": its default does not fit' } : null);
  const { stdout, code } = await validate(['step.yaml', '--registry', 'http://registry'], () => lookUp);
  expect(code).toBe(1);
  expect(stdout).toContain(
    'step.yaml:7:66: spec.outcomes.paid.emit[0].schema.subject: nothing can be read or written with subject "parcels", field "door"',
  );
});

test('a registry that does not answer is not a mistake in the steps', async () => {
  await writeFile(join(folder, 'step.yaml'), step('event'));
  const unreachable = () => () => Promise.reject(new Error('no answer from http://registry'));
  await expect(validate(['step.yaml', '--registry', 'http://registry'], unreachable)).rejects.toThrow('no answer');
});

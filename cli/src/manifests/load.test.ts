import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Diagnostic, formatDiagnostic } from './diagnostic.ts';
import { checkManifests, loadManifests } from './load.ts';
import { parseManifests } from './parse.ts';
import { reasonOf } from './read-files.ts';

/** Mistakes as `line:column: path: message «what is marked»`, without the file. */
function told(diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map(({ place, path, message }) => {
    const marked = place?.lineText.slice(place.column - 1, place.column - 1 + place.length);
    return [...(place ? [`${place.line}:${place.column}`] : []), ...(path ? [path] : []), `${message}${place ? ` «${marked}»` : ''}`].join(
      ': ',
    );
  });
}
const check = (text: string): string[] => told(checkManifests({ ...parseManifests('step.yaml', text) }));

const HEAD = 'apiVersion: sagafleet.dev/v1alpha1\nkind: SagaStep\nmetadata: {name: payment}\nspec:\n  consumes: [{topic: order_created}]\n';
const withEvent = (event: string): string =>
  `${HEAD}  outcomes:\n    paid:\n      emit:\n        - topic: order_paid\n          event: ${event}\n`;
const UNKNOWN = 'spec.outcomes.paid.emit[0].event: unknown name "evnt", did you mean "event"? «evnt»';

const scalars: Record<string, [event: string, place: string]> = {
  'a plain scalar': ['merge(evnt, event)', '10:24'],
  'a plain scalar over two lines': ['merge(\n            evnt, event)', '11:13'],
  'double quotes': ['"merge(evnt, {\'a\': 1})"', '10:25'],
  'double quotes with escapes before it': ['"merge({\\"a\\": \\"\\u00e9\\"}, evnt)"', '10:46'],
  'double quotes over two lines': ['"merge(event,\n            evnt)"', '11:13'],
  'double quotes with an escaped line break': ['"merge(event,\\\n            evnt)"', '11:13'],
  'single quotes': ["'merge(evnt, event)'", '10:25'],
  'single quotes with a doubled one before it': ["'merge({''a'': 1}, evnt)'", '10:37'],
  'a literal block': ['|\n            merge(event,\n              evnt)', '12:15'],
  'a literal block with an empty line': ['|-\n            merge(event,\n\n              evnt)', '13:15'],
  'a literal block with its indentation named': ['|2\n            merge(event,\n              evnt)', '12:15'],
  'a folded block': ['>-\n            merge(\n            event,\n            evnt)', '13:13'],
  'a folded block with a comment behind its head': ['> # why\n            merge(event,\n            evnt)', '12:13'],
  'a line that ends as Windows does': ['>-\r\n            merge(event,\r\n            evnt)', '12:13'],
};

describe('a mistake in an expression is found in', () => {
  test.each(Object.entries(scalars))('%s', (_, [event, place]) => expect(check(withEvent(event))).toEqual([`${place}: ${UNKNOWN}`]));
});

const SPEC = 'apiVersion: sagafleet.dev/v1alpha1\nkind: SagaStep\nmetadata: {name: payment}\nspec:';
const places: Record<string, [text: string, told: string[]]> = {
  'an unknown field': [
    `${withEvent('event')}  retry: {maxAttemps: 3}\n`,
    ['11:11: spec.retry.maxAttemps: unknown field "maxAttemps", did you mean "maxAttempts"? «maxAttemps»'],
  ],
  'a wrong value': [`${withEvent('event')}  startFrom: newest\n`, ['11:14: spec.startFrom: must be one of earliest, latest «newest»']],
  'a missing field, at its parent': [`${SPEC}\n  consumes: [{topic: a}]\n`, ['4:1: spec.outcomes: is missing «spec»']],
  'a rule about a map, at its name': [
    `${SPEC}\n  consumes: [{topic: a}]\n  outcomes: {}\n`,
    ['6:3: spec.outcomes: set at least one outcome «outcomes»'],
  ],
  'an empty value, at its name': [`${SPEC}\n`, ['4:1: spec: is missing «spec»']],
  'a rule about the name': [
    withEvent('event').replace('payment', 'pay.v2'),
    [
      '3:18: metadata.name: metadata.name must be a DNS label of at most 40 characters (a-z, 0-9, -): names and ACL prefixes are derived from it «pay.v2»',
    ],
  ],
  'the second document': [
    `kind: ConfigMap\n---\n${withEvent('event')}  startFrom: newest\n`,
    ['13:14: spec.startFrom: must be one of earliest, latest «newest»'],
  ],
  'an item of a List': [
    `kind: List\nitems:\n- kind: Secret\n- {apiVersion: sagafleet.dev/v1alpha1, kind: SagaStep, metadata: {name: a}, spec: 7}\n`,
    ['4:83: spec: must be a map, not a number «7»'],
  ],
  'behind an alias': [
    `${SPEC}\n  consumes: [&in {topic: a, formatt: avro}, *in]\n  outcomes: {x: {emit: []}}\n`,
    [
      '5:29: spec.consumes[0].formatt: unknown field "formatt", did you mean "format"? «formatt»',
      '5:29: spec.consumes[1].formatt: unknown field "formatt", did you mean "format"? «formatt»',
    ],
  ],
  'a misspelt kind': [withEvent('event').replace('SagaStep', 'Sagastep'), ['2:7: kind: must be SagaStep «Sagastep»']],
  'a missing kind': [withEvent('event').replace('kind: SagaStep\n', ''), ['1:1: kind: is missing «apiVersion: sagafleet.dev/v1alpha1»']],
  'a key that stands twice': [`${withEvent('event')}  group: a\n  group: b\n`, ['12:3: duplicate key: remove one «g»']],
  'a tab as indentation': ['kind: SagaStep\nspec:\n\tgroup: a\n', ['3:1: a tab cannot indent in YAML: use spaces «\t»']],
  'text that is no YAML': [
    'kind: [SagaStep\n',
    ['2:1: not valid YAML: flow sequence in block collection must be sufficiently indented and end with a ] « »'],
  ],
  'an alias without an anchor': ['kind: SagaStep\nspec: *nothing\n', ['2:7: alias *nothing has no anchor &nothing before it «*nothing»']],
  'an alias to itself': [
    'kind: SagaStep\nspec: &a [*a]\n',
    ['1:1: aliases repeat too much, or repeat themselves: write the values out «k»'],
  ],
};

describe('a place is told for', () => {
  test.each(Object.entries(places))('%s', (_, [text, problems]) => {
    expect(check(text).map((line) => line.replace(/«»$/, '« »'))).toEqual(problems);
  });

  test('aliases that multiply', () => {
    const levels = [...'abcdefgh'].map(
      (name, i, all) =>
        `${name}: &${name} [${Array(10)
          .fill(i === 0 ? 'x' : `*${all[i - 1]}`)
          .join(',')}]`,
    );
    expect(check(`kind: SagaStep\n${levels.join('\n')}\n`)).toHaveLength(1);
  });
});

test('anchors and merge keys mean what they mean to kubectl', () => {
  const text = `${SPEC}\n  consumes: [{topic: a}]\n  outcomes:\n    x: &x {emit: []}\n  handler: {cel: {outcome: "'x'"}}\n  template: {metadata: {labels: &labels {a: b}, annotations: {<<: *labels, c: d}}}\n`;
  expect(check(text)).toEqual([]);
});

test('objects of other kinds are skipped and named, text without objects is nothing', () => {
  const { manifests, skipped, diagnostics } = parseManifests(
    'a.yaml',
    'kind: ConfigMap\n---\n# empty\n---\n- 1\n---\nkind: Saga\napiVersion: sagafleet.dev/v1alpha1\n',
  );
  expect(manifests).toEqual([]);
  expect(diagnostics).toEqual([]);
  expect(skipped.map(({ kind }) => kind)).toEqual(['ConfigMap', 'an object without kind', 'Saga']);
});

describe('formatted', () => {
  const [diagnostic] = checkManifests(parseManifests('payment.yaml', withEvent('"merge(evnt, event)"')));

  test('the line follows with the place marked', () => {
    expect(diagnostic && formatDiagnostic(diagnostic, false)).toBe(
      [
        'payment.yaml:10:25: spec.outcomes.paid.emit[0].event: unknown name "evnt", did you mean "event"?',
        '  10 |           event: "merge(evnt, event)"',
        '     |                         ^^^^',
      ].join('\n'),
    );
  });

  test('colours stand only on a terminal', () => {
    expect(diagnostic && formatDiagnostic(diagnostic, true)).toContain('\u001b[31m^^^^');
  });

  test('of a long line the part around the place is shown', () => {
    const [long] = checkManifests(parseManifests('a.yaml', withEvent(`"'${'x'.repeat(3000)}' + evnt"`)));
    const [, line, marks] = long ? formatDiagnostic(long, false).split('\n') : [];
    expect(line?.length).toBeLessThan(140);
    expect(line?.slice(marks?.indexOf('^'))).toMatch(/^evnt/);
  });
});

describe('files and folders', () => {
  let folder = '';
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'manifests-'));
  });
  afterEach(() => rm(folder, { recursive: true, force: true }));
  const load = async (...paths: string[]) => checkManifests(await loadManifests(paths, folder));
  const messages = async (...paths: string[]) => (await load(...paths)).map(({ file, message }) => `${file}: ${message}`);

  test('a folder gives its YAML files by name, not those below', async () => {
    await mkdir(join(folder, 'steps/more'), { recursive: true });
    await writeFile(join(folder, 'steps/b.yml'), withEvent('evnt'));
    await writeFile(join(folder, 'steps/a.yaml'), withEvent('evnt').replace('payment', 'other'));
    await writeFile(join(folder, 'steps/more/c.yaml'), withEvent('evnt'));
    await writeFile(join(folder, 'steps/notes.txt'), 'x');
    expect((await load('steps')).map(({ file }) => file)).toEqual(['steps/a.yaml', 'steps/b.yml']);
  });

  test('of two steps of one name both files are told', async () => {
    await writeFile(join(folder, 'a.yaml'), withEvent('event'));
    await writeFile(join(folder, 'b.yaml'), withEvent('event').replace('order_paid', 'order_paid_2'));
    expect(await messages('a.yaml', 'b.yaml')).toEqual([
      'b.yaml: step "payment" is declared twice: rename one of them (the other: a.yaml:3)',
    ]);
  });

  test('what cannot be read says why, and the rest is checked', async () => {
    await mkdir(join(folder, 'empty'));
    await writeFile(join(folder, 'latin.yaml'), Buffer.from([0x6b, 0xe9]));
    await writeFile(join(folder, 'large.yaml'), Buffer.alloc(10 * 1024 * 1024, '#'));
    await writeFile(join(folder, 'good.yaml'), withEvent('evnt'));
    expect(await messages('missing', 'empty', 'latin.yaml', 'large.yaml', 'good.yaml')).toEqual([
      'missing: does not exist',
      'empty: holds no *.yaml or *.yml file',
      'latin.yaml: is not UTF-8 text: save it as UTF-8',
      'large.yaml: is 10.0 MiB large, a file of manifests may have 4 MiB',
      'good.yaml: unknown name "evnt", did you mean "event"?',
    ]);
  });

  test('the error of a folder that cannot be read names the cause', async () => {
    await writeFile(join(folder, 'a.yaml'), '');
    expect((await messages('a.yaml/steps'))[0]).toMatch(/^a.yaml\/steps: cannot be read: ENOTDIR/);
    expect(reasonOf(Object.assign(new Error('EACCES: permission denied, scandir'), { code: 'EACCES' }))).toBe(
      'cannot be read: permission denied',
    );
  });

  test('files without any step', async () => {
    await writeFile(join(folder, 'empty.yaml'), '');
    await writeFile(join(folder, 'other.yaml'), 'kind: ConfigMap\n');
    expect(await messages('empty.yaml', 'other.yaml')).toEqual(['empty.yaml, other.yaml: holds no SagaStep']);
  });

  test('what this version does not run is told only to those who would run it', async () => {
    await writeFile(join(folder, 'a.yaml'), withEvent('event').replace('topic: order_created', 'topic: order_created, format: json'));
    const loaded = await loadManifests(['a.yaml'], folder);
    expect(checkManifests(loaded)).toEqual([]);
    expect(told(checkManifests(loaded, {}, true))).toEqual([
      '5:37: spec.consumes[0].format: format json is not handled by this version: use avro «format»',
    ]);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Case, judge, tallyOf } from './judge.ts';
import { isReadable, readValue, writeValue } from './notation.ts';

const CASES = fileURLToPath(new URL('cases.jsonl', import.meta.url));
const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));
const of = (Expr: string, Want: string, Bind: Case['Bind'] = {}) => judge({ Expr, Want, Bind });

describe('a case is', () => {
  const cases: Record<string, [verdict: string, text: string, want: string, bind?: Case['Bind']]> = {
    'right with the wanted value': ['right', '1 + 1', 'i2'],
    'right with an error on the record': ['right', '1 / 0', 'E'],
    'right with an error when it is applied': ['right', '1 +', 'E'],
    'right with the entries of a map in another order': ['right', '{"b": 1, "a": 2}', '{s61:i2,s62:i1}'],
    'rejected with an error when it is applied': ['rejected', 'nothing', 'i1'],
    'rejected with a variable that no step has': ['rejected', 'a.b', 'i1', { 'a.b': 'i1' }],
    'different with another value': ['different', '1 + 1', 'i3'],
    'different with another type': ['different', '2', 'u2'],
    'different with the other zero': ['different', '-0.0', 'd0000000000000000'],
    'different with a value where an error is wanted': ['different', '1', 'E'],
    'different with an error where a value is wanted': ['different', '1 / 0', 'i1'],
    'different with another order of a list': ['different', '[1, 2]', '[i2,i1]'],
    'different with a type that the file does not have': ['different', "duration('1s')", 's3173'],
    'apart with a wanted value of another type': ['apart', "duration('1s')", '?'],
    'apart with a variable of another type': ['apart', 'x', 'i1', { x: '[?]' }],
  };
  test.each(Object.entries(cases))('%s', (_, [verdict, text, want, bind]) => {
    expect(of(text, want, bind).verdict).toBe(verdict);
  });

  test('counted by its verdict, those that are apart not at all', () => {
    const verdicts = [of('1', 'i1'), of('1', 'i2'), of('1', 'i3'), of('x', 'i1'), of('1', '?')];
    expect(tallyOf(verdicts)).toEqual({ right: 1, rejected: 1, different: 2, cases: 4 });
  });
});

describe('a value', () => {
  test.each([
    'n',
    'T',
    'F',
    'i-1',
    'u18446744073709551615',
    'd8000000000000000',
    'dnan',
    's',
    'sf09f9880',
    'b00ff',
    'tint',
    '[]',
    '[i1,[n]]',
    '{}',
    '{T:[],i1:{s:n}}',
  ])('%s is read and written', (text) => expect(writeValue(readValue(text))).toBe(text));
  test.each(['', '?', 'x1', '[i1', '{s61:?}', 'i1,i2', 'd12'])('%s is not readable', (text) => expect(isReadable(text)).toBe(false));
});

describe('npm run test:cel', () => {
  const program = ['-C', 'source', '--disable-warning=ExperimentalWarning', MAIN];
  const runIn = (env: NodeJS.ProcessEnv, ...args: string[]) =>
    spawnSync(process.execPath, [...program, ...args], { encoding: 'utf8', env });
  const run = (...args: string[]) => runIn(process.env, ...args);

  test('prints one line of JSON, and ends well without a different case', () => {
    expect(run(CASES).stdout).toBe('{"right":14,"rejected":2,"different":0,"cases":16}\n');
  });

  test('gives the same on a machine with another time zone and language', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'cel-')), 'cases.jsonl');
    const cases = [
      { Expr: "timestamp('2026-03-29T01:30:00Z').getHours()", Want: 'i1' },
      { Expr: "timestamp('2026-03-29T01:30:00Z').getDayOfYear('+13:45')", Want: 'i87' },
      { Expr: "string(timestamp('1900-01-01T00:00:00+00:30'))", Want: `s${Buffer.from('1899-12-31T23:30:00Z').toString('hex')}` },
      { Expr: "'TITLE I'.lowerAscii() + 'title i'.upperAscii()", Want: `s${Buffer.from('title iTITLE I').toString('hex')}` },
      { Expr: 'string(1234567.5) + string(1234567)', Want: `s${Buffer.from('1234567.51234567').toString('hex')}` },
      { Expr: "'i'.matches('(?i)İ') || 'ı'.matches('(?i)I')", Want: 'F' },
      { Expr: "'a' < 'Z' || 'é' < 'z'", Want: 'F' },
    ];
    writeFileSync(file, cases.map((each) => JSON.stringify(each)).join('\n'));
    for (const [TZ, LANG] of [
      ['Pacific/Chatham', 'tr_TR.UTF-8'],
      ['America/St_Johns', 'ar_EG.UTF-8'],
      ['UTC', 'C'],
    ] as const) {
      const { stdout, stderr } = runIn({ ...process.env, TZ, LANG, LC_ALL: LANG }, file);
      expect({ stdout, stderr }).toEqual({ stdout: '{"right":7,"rejected":0,"different":0,"cases":7}\n', stderr: '' });
    }
  });

  test('lists different cases on stderr and exits with 1', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'cel-')), 'cases.jsonl');
    writeFileSync(file, '{"Expr":"1","Want":"i2","Bind":{}}\n{"Expr":"1","Want":"i1"}\n');
    const { status, stdout, stderr } = run(file);
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: '{"right":1,"rejected":0,"different":1,"cases":2}\n',
      stderr: 'different: "1" wants i2, gave i1\n',
    });
  });

  test('lists rejected cases where it is asked to', () => {
    expect(run(CASES, '--rejected').stderr).toMatch(/^rejected: "unknown\(x\)" wants i1, gave rejected: unknown function "unknown"$/m);
  });

  test('explains itself', () => {
    expect(run('--help')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: npm run -s test:cel -- FILE/) as string });
    expect(run()).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(/^one FILE is needed/) as string });
    expect(run('--all', CASES)).toMatchObject({ status: 2, stderr: expect.stringMatching(/^unknown option --all/) as string });
  });

  test('says which line of the file is not a case', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'cel-')), 'cases.jsonl');
    writeFileSync(file, '{"Expr":"1","Want":"i1"}\n{"Expr":"1"}\n');
    const { status, stderr } = run(file);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/cases\.jsonl, line 2: not a case/);
  });
});

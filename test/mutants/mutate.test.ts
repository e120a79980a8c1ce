import { expect, test } from 'vitest';
import { applyMutant, mutantsOf } from './mutate.ts';

const changes = (code: string) => mutantsOf('x.ts', code).map(({ from, to }) => `${from} → ${to}`);

const RULES: Record<string, { code: string; mutants: string[] }> = {
  'a condition is always so, never so, and so at the other side of its limit': {
    code: 'if (a < b) c = d;',
    mutants: ['a < b → true', 'a < b → false', '< → <='],
  },
  'what is no condition becomes its opposite': { code: 'const a = b === c;', mutants: ['=== → !=='] },
  'a loop does not begin, and looks at the first only': {
    code: 'while (!a) {} for (const b of c) {}',
    mutants: ['!a → false', '!a → a', 'c → [...c].slice(0, 1)'],
  },
  'a statement is left out': { code: 'f(); a = b; { throw a; }', mutants: ['f(); → ;', 'a = b; → ;', 'throw a; → ;'] },
  'what ends at once where it is so is no statement of its own': { code: 'if (a) throw b;', mutants: ['a → true', 'a → false'] },
  'nobody waits': { code: 'const a = await b();', mutants: ['await b() → b()'] },
  'operators are mixed up': { code: 'const a = b + c; const d = e && f;', mutants: ['+ → -', '&& → ||'] },
  'a default is missing, or always taken': { code: 'const a = b ?? c;', mutants: ['b ?? c → b', 'b ?? c → c'] },
  'what may be missing is taken for given': { code: 'const a = b?.c;', mutants: ['?. → !.'] },
  'literals are others': { code: "const a = [1, true, 'x'];", mutants: ["[1, true, 'x'] → []", '1 → 2', 'true → false', "'x' → ''"] },
  'a part of a text is missing': { code: 'const a = `${b}/${c}`;', mutants: ["b → ''", "c → ''"] },
  'a setting is as good when it is one more': { code: 'const WAIT_MS = 5; const MAX_BYTES = 4 * 1024;', mutants: [] },
  'texts of errors are for people': { code: "const a = new KafkaError('x', `y ${z}`);", mutants: [] },
  'types and imports hold nothing to change': { code: "import { a } from 'a'; type B = 'x' | 1; interface C { d: true }", mutants: [] },
};

test.each(Object.entries(RULES))('%s', (_, { code, mutants }) => {
  expect(changes(code)).toEqual(mutants);
});

test('a mutant says where it is', () => {
  const code = 'class A {\n  #b = 1;\n  get c() {\n    return !d;\n  }\n}\nconst e = () => f();\nconst g = (h) => {\n  i();\n};\n';
  expect(mutantsOf('x.ts', code).map(({ line, within }) => [line, within])).toEqual([
    [2, 'top level'],
    [4, 'c'],
    [9, 'g'],
  ]);
});

test('a mutant is applied at its place alone', () => {
  const code = 'const a = b + c + d;';
  expect(mutantsOf('x.ts', code).map((mutant) => applyMutant(code, mutant))).toEqual(['const a = b - c + d;', 'const a = b + c - d;']);
  expect(() => applyMutant('const x = 1;', mutantsOf('x.ts', code)[0]!)).toThrow('changed since');
});

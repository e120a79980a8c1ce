import { expect, test } from 'vitest';
import { SUBJECTS } from './entrant.ts';
import { readOptions } from './options.ts';

test('without options all is measured', () => {
  expect(readOptions([])).toEqual({
    subjects: SUBJECTS,
    parts: ['rows', 'latency', 'process'],
    records: 1_000_000,
    rounds: 3,
    probes: 300,
    output: 'table',
    write: false,
    cpuProfiles: null,
  });
});

test('subjects are named, or left out', () => {
  expect(readOptions(['--only', 'kafkajs,sagafleet'])?.subjects).toEqual(['sagafleet', 'kafkajs']);
  expect(readOptions(['--without', 'franz-go'])?.subjects).toEqual(SUBJECTS.filter((name) => name !== 'franz-go'));
});

test('help is all that is done', () => {
  expect(readOptions(['--help', '--rounds', '1'])).toBeNull();
});

const REFUSED: Record<string, string[]> = {
  'a subject that is not known': ['--only', 'nobody'],
  'a part that is not known': ['--parts', 'everything'],
  'no rounds at all': ['--rounds', '0'],
  'half a record': ['--records', '0.5'],
  'an output that is not known': ['--output', 'xml'],
  'an option that is not known': ['--fast'],
  'words that belong to nothing': ['sagafleet'],
};

test.for(Object.entries(REFUSED))('refuses %s', ([, args]) => {
  expect(() => readOptions(args)).toThrow(expect.objectContaining({ code: 'BadOption' }));
});

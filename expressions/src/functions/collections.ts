/** Sizes, and functions of sagafleet. */
import { sizeOfMap } from '../values/maps.ts';
import type { Optional } from '../values/special.ts';
import { CHARACTERS_PER_STEP, type FunctionDefinition, FunctionFailure } from './signature.ts';
import { lengthOf } from './text.ts';

const sizeOfText = (text: string): bigint => BigInt(lengthOf(text));
const sizeOfArray = ({ length }: ArrayLike<unknown>): bigint => BigInt(length);
const sizeOfEntries = (map: object): bigint => BigInt(sizeOfMap(map));

const entrySteps = (map: object): number => sizeOfMap(map) / CHARACTERS_PER_STEP;
const lengthSteps = ({ length }: ArrayLike<unknown>): number => length / CHARACTERS_PER_STEP;
const noSteps = (): number => 0;

type Size = Pick<FunctionDefinition, 'description' | 'run' | 'steps'>;
const SIZES: Readonly<Record<string, Size>> = {
  string: { description: 'Number of characters (Unicode code points).', run: sizeOfText, steps: lengthSteps },
  bytes: { description: 'Number of bytes.', run: sizeOfArray, steps: noSteps },
  list: { description: 'Number of items.', run: sizeOfArray, steps: noSteps },
  map: { description: 'Number of entries.', run: sizeOfEntries, steps: entrySteps },
};

export const COLLECTIONS: readonly FunctionDefinition[] = Object.entries(SIZES).flatMap(([type, size]) => [
  { signature: `size(${type}): int`, ...size },
  { signature: `${type}.size(): int`, ...size },
]);

/** Of rules of a CRD alone. */
export const OPTIONALS: readonly FunctionDefinition[] = [
  { signature: 'optional.hasValue(): bool', description: 'Is there a value?', run: (value: Optional) => value.isPresent },
  { signature: 'optional.value(): dyn', description: 'The value; fails where there is none.', run: presentValue },
  {
    signature: 'optional.orValue(dyn): dyn',
    description: 'The value, or the other where there is none.',
    run: (value: Optional, other: unknown) => (value.isPresent ? value.value : other),
  },
  {
    signature: 'optional.or(optional): optional',
    description: 'This optional where it has a value, else the other.',
    run: (value: Optional, other: Optional) => (value.isPresent ? value : other),
  },
];

function presentValue(value: Optional): unknown {
  if (!value.isPresent) throw new FunctionFailure('the optional has no value');
  return value.value;
}

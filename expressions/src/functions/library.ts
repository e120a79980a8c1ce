/** All functions of an expression, by name. */
import { COLLECTIONS, OPTIONALS } from './collections.ts';
import { CONVERSIONS } from './conversions.ts';
import { type FunctionDefinition, type Overload, overloadOf } from './signature.ts';
import { BYTES, STRINGS } from './text.ts';
import { TIME } from './time.ts';

/** Milliseconds since the epoch. */
export type Clock = () => number;

/** For the reference page. */
export const FUNCTION_GROUPS: Readonly<Record<string, readonly FunctionDefinition[]>> = {
  Conversions: CONVERSIONS,
  Strings: STRINGS,
  Bytes: BYTES,
  'Lists and maps': COLLECTIONS,
  'Timestamps and durations': TIME,
};

export type Library = ReadonlyMap<string, readonly Overload[]>;

export interface LibraryOptions {
  now: Clock;
  optionals?: boolean;
}

const OVERLOADS = Object.values(FUNCTION_GROUPS).flat().map(overloadOf);
const OPTIONAL_OVERLOADS = OPTIONALS.map(overloadOf);

/** Checked and evaluated by functions of their own: their types follow those of their arguments. */
export const SPECIAL_FUNCTIONS: readonly { name: string; signature: string; description: string }[] = [
  {
    name: 'merge',
    signature: 'merge(map, map): map',
    description: 'A map with the entries of both; those of the second win. An event is a map.',
  },
  { name: 'now', signature: 'now(): int', description: 'Milliseconds since the epoch when the expression is evaluated.' },
];

const LIBRARY: Library = Map.groupBy(OVERLOADS, ({ name }) => name);
const LIBRARY_WITH_OPTIONALS: Library = Map.groupBy([...OVERLOADS, ...OPTIONAL_OVERLOADS], ({ name }) => name);

export function libraryOf({ now, optionals = false }: LibraryOptions): Library {
  const clock = overloadOf({ signature: 'now(): int', description: '', run: () => BigInt(now()) });
  return new Map([...(optionals ? LIBRARY_WITH_OPTIONALS : LIBRARY), ['now', [clock]]]);
}

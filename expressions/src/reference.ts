/** Writes the reference page of expressions from what the code checks and runs. */
import { writeFileSync } from 'node:fs';
import { nameOf, type Type } from './check/type.ts';
import { DEFAULT_LIMITS } from './evaluate/budget.ts';
import { FUNCTION_GROUPS, SPECIAL_FUNCTIONS } from './functions/library.ts';
import { ARITHMETIC, ORDERED } from './functions/operators.ts';
import { BYTES_PER_ENTRY, BYTES_PER_ITEM, CHARACTERS_PER_STEP } from './functions/signature.ts';
import { type ExpressionKind, KIND_PLACES, MEANT, VARIABLE_DESCRIPTIONS, type VariableName, VARIABLES } from './kinds.ts';
import { VARIABLE_TYPES } from './value-types.ts';

export const REFERENCE_PAGE = new URL('../../docs/reference/expressions.md', import.meta.url);

const INTRODUCTION = `<!-- Generated from expressions/src by \`npm run generate\`. Do not edit. -->

# Expressions

An expression chooses the outcome of an event, builds the events that a step emits, and their keys and headers. Expressions are [CEL](https://cel.dev), checked when the manifest is applied and evaluated for each record:

\`\`\`yaml
handler:
  cel:
    outcome: "event.price > 100.0 ? 'review' : 'paid'"
outcomes:
  paid:
    emit:
      - topic: order_paid
        event: "merge(event, {'status': 'PAID', 'timestamp': now()})"
        key: event.orderId
\`\`\`

An expression gives what the CEL specification says, or it is rejected when it is applied. Results do not depend on the machine: not on its time zone, its locale or its version of Unicode. An expression that fails on a record makes that record a dead letter, whose message names the part that failed and no value of the record.`;

const MACROS: readonly [name: string, description: string][] = [
  ['has(map.field)', 'Does the map have the field? True also where it is null.'],
  ['list.all(x, condition)', 'Does the condition hold for all items? Of a map, for all keys.'],
  ['list.exists(x, condition)', 'Does it hold for any?'],
  ['list.exists_one(x, condition)', 'Does it hold for exactly one? `existsOne` is the same.'],
  ['list.filter(x, condition)', 'A list of the items for which it holds.'],
  ['list.map(x, value)', 'A list with a value for each item.'],
  ['list.map(x, condition, value)', 'The same, for the items for which the condition holds.'],
  ['cel.bind(x, value, expression)', 'The expression, in which `x` is the value.'],
];

const OPTIONAL_VALUES = `## Fields that may be null

An Avro field whose type is a union with null may be null. Operators, functions and macros do not take null, so an expression that gives them such a field is rejected when it is applied; the message says how to write it:

\`\`\`text
event.discount may be null, which + does not take; write (event.discount == null ? 0 : event.discount), or check event.discount != null first
\`\`\`

| write | for |
| --- | --- |
| \`event.discount == null ? 0 : event.discount + 1\` | a default |
| \`event.discount != null && event.discount > 5\` | a condition that is false without a value |
| \`event.discount == 5\`, \`event.discount != 5\` | a comparison: null equals null alone |
| \`int(event.discount) + 1\` | a record without a value is a dead letter |
| \`event.address.city\` | a record without an address is a dead letter |

\`has(event.discount)\` is rejected: a record has each field of its schema, so it would be true also where the field is null. Without a schema, or where a union has several types, the value is checked on the record instead.`;

const DIFFERENCES = `## What is not there

These are rejected when the expression is applied:

* messages (\`Type{field: value}\`), optional values (\`.?field\`, \`optional.of()\`), macros with two variables, and functions that this page does not list;
* names of time zones such as \`Europe/Berlin\`: the data behind them differ between machines. Write an offset, as in \`getHours('+02:00')\`;
* a list, map or condition whose branches have types that do not go together: wrap one in \`dyn()\`;
* text that is nested more than 250 levels deep or longer than 100,000 characters.`;

function cost(): string {
  const { steps, bytes } = DEFAULT_LIMITS;
  return `## Cost

One evaluation may take ${grouped(steps)} steps and build ${bytes / 1024 / 1024} MiB. Over it the record becomes a dead letter with the error code \`cost\`, whose message holds the expression and the limit. Cost is counted, so a record costs the same on every machine:

* each item that a macro goes through is a step, or more where the body of the macro is large;
* ${CHARACTERS_PER_STEP} characters or bytes that a function looks through are a step; \`matches()\` multiplies them by the size of the pattern;
* a string or bytes that is built counts its length, an item of a list ${BYTES_PER_ITEM} bytes, an entry of a map ${BYTES_PER_ENTRY}.`;
}

function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** The page's text. */
export function renderReference(): string {
  const sections = [
    INTRODUCTION,
    places(),
    variables(),
    avroTypes(),
    OPTIONAL_VALUES,
    operators(),
    macros(),
    functions(),
    patterns(),
    cost(),
    DIFFERENCES,
  ];
  return `${sections.join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

function places(): string {
  const rows = (Object.keys(KIND_PLACES) as ExpressionKind[]).map((kind) => [
    KIND_PLACES[kind],
    VARIABLES[kind].map((name) => `\`${name}\``).join(', '),
    MEANT[kind],
  ]);
  return `## Where they stand\n\n${table(['field', 'sees', 'gives'], rows)}`;
}

function variables(): string {
  const rows = (Object.keys(VARIABLE_TYPES) as VariableName[]).map((name) => [
    `\`${name}\``,
    typeText(VARIABLE_TYPES[name]),
    VARIABLE_DESCRIPTIONS[name],
  ]);
  return `## What they see\n\n${table(['variable', 'type', 'what'], rows)}\n\nWith a schema, the fields of \`event\` and their types are checked, and the nearest name is given for one that does not exist. \`dyn\` is a type that is known on the record alone.`;
}

function typeText(type: Type): string {
  if (type.kind !== 'record') return `\`${nameOf(type)}\``;
  return `fields ${[...type.fields].map(([name, field]) => `\`${name}\` ${nameOf(field)}`).join(', ')}`;
}

function avroTypes(): string {
  const rows = [
    ['`int`, `long`, also with a logical type', 'int, 64 bits, exact'],
    ['`float`, `double`', 'double'],
    ['`string`, `enum`', 'string'],
    ['`boolean`', 'bool'],
    ['`bytes`, `fixed`', 'bytes; with the logical type `decimal` a string'],
    ['`array`', 'list'],
    ['`map`, `record`', "map; fields as in `event.status`, keys as in `event.tags['size']`"],
    ['a union with `null`', 'the other type, or null'],
    ['another union', 'the value, without a wrapper'],
  ];
  return `### Types of Avro\n\n${table(['Avro', 'CEL'], rows)}\n\nAn event holds no other values: convert a uint, a timestamp or a duration, and keys that are not strings.`;
}

function operators(): string {
  const arithmetic = Object.entries(ARITHMETIC).map(([operator, overloads]) => [
    `\`${operator}\``,
    overloads
      .map(([left, right, result]) => (left === right && right === result ? left : `${left} ${operator} ${right} = ${result}`))
      .join('; '),
  ]);
  const rows = [
    ...arithmetic,
    ['`-x`', 'int; double'],
    ['`<` `<=` `>` `>=`', `${ORDERED.join('; ')}; numbers of different types by value`],
    ['`==` `!=`', 'any two values; numbers of different types by value'],
    ['`in`', 'an item of a list, a key of a map'],
    ['`&&` `||` `!`', 'bool; one operand that decides is enough, also where another fails'],
    ['`condition ? a : b`', 'both branches have one type'],
    ['`x.field` `x[key]`', 'a field or key of a map, an item of a list; fails where there is none'],
  ];
  return `## Operators\n\nIntegers do not wrap around: a result outside 64 bits, and a division by zero, fail. An int and a double are not calculated with each other; convert one side.\n\n${table(['operator', 'takes'], rows)}`;
}

function macros(): string {
  return `## Macros\n\n${table(
    ['macro', 'gives'],
    MACROS.map(([name, description]) => [`\`${name}\``, description]),
  )}`;
}

function functions(): string {
  const groups = { 'Of sagafleet': SPECIAL_FUNCTIONS, ...FUNCTION_GROUPS };
  const sections = Object.entries(groups).map(([group, definitions]) => {
    const rows = definitions.map(({ signature, description }) => [`\`${signature}\``, description]);
    return `### ${group}\n\n${table(['function', 'gives'], rows)}`;
  });
  return `## Functions\n\nA type before a dot is that of the value that the function is called on, as in \`event.orderId.size()\`. Positions in strings count characters (Unicode code points) from 0.\n\n${sections.join('\n\n')}`;
}

function patterns(): string {
  return `## Regular expressions

\`matches()\` takes [RE2](https://github.com/google/re2/wiki/Syntax): \`(?i)\`, \`[[:digit:]]\`, \`\\pL\`, \`\\A\`, \`\\z\`, and no lookaround or backreferences. Its time is linear in the text. A constant pattern is checked when the expression is applied; write it as a raw string, as in \`event.code.matches(r'^\\d+$')\`. A pattern has at most 1,000 characters.`;
}

if (import.meta.main) writeFileSync(REFERENCE_PAGE, renderReference());

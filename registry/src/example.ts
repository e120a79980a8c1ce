import { isRecord, isUnion } from './avro/resolve.ts';
import type { AvroField, AvroSchema, AvroType } from './avro/schema.ts';

/** `sequence` makes examples differ from each other; `nowMs` is milliseconds since the epoch. */
export interface ExampleOptions {
  sequence: number;
  nowMs: number;
}

const TIME_NAME = /^(time|timestamp|date)|(Time|Timestamp|At|_at|_time)$/;

/**
 * A valid event of the schema, to try a step with: strings are the field's name and the sequence
 * number, times are now, a union takes the first branch that is not null. Lists and maps are empty,
 * which also ends schemas that contain themselves.
 */
export function exampleValue(schema: AvroSchema, options: ExampleOptions): unknown {
  return exampleOf(schema.type, schema.type.name ?? 'value', options, new Set());
}

function exampleOf(type: AvroType, name: string, options: ExampleOptions, outer: ReadonlySet<AvroType>): unknown {
  if (isUnion(type)) return exampleOf(branchOf(type, outer), name, options, outer);
  if (isRecord(type)) {
    const within = new Set([...outer, type]);
    const example = ({ name: field, type: fieldType }: AvroField): [string, unknown] => [
      field,
      exampleOf(fieldType, field, options, within),
    ];
    return Object.fromEntries(type.fields.map(example));
  }
  switch (type.typeName) {
    case 'null':
      return null;
    case 'boolean':
      return true;
    case 'int':
      return BigInt(options.sequence);
    case 'long':
      return BigInt(TIME_NAME.test(name) ? options.nowMs : options.sequence);
    case 'float':
    case 'double':
      return options.sequence + 0.5;
    case 'bytes':
      return Buffer.from(`${name}-${options.sequence}`);
    case 'fixed':
      return Buffer.alloc(type.size);
    case 'enum':
      return type.symbols[0];
    case 'array':
      return [];
    case 'map':
      return {};
    default:
      return `${name}-${options.sequence}`;
  }
}

/** Null only where every other branch would go on for ever. */
function branchOf(union: AvroType, outer: ReadonlySet<AvroType>): AvroType {
  return (
    union.types.find((branch) => branch.typeName !== 'null' && !outer.has(branch)) ??
    union.types.find((branch) => branch.typeName === 'null') ??
    union.types[0]!
  );
}

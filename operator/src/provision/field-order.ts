import { parseSchema, type AvroType, type SchemaTexts } from '@sagafleet/registry';

/**
 * The new field of `next`, as a path, that does not stand at the end of its record; null where there
 * is none. FULL_TRANSITIVE accepts a defaulted field anywhere, and a reader that decodes with the old
 * schema, looking at no schema id, then takes it for another.
 */
export function fieldNotAppended(last: SchemaTexts, next: SchemaTexts): string | null {
  return displacedField(parseSchema(last).type, parseSchema(next).type, { path: '', seen: new Set() });
}

interface Place {
  path: string;
  seen: Set<AvroType>;
}

function displacedField(last: AvroType, next: AvroType, { path, seen }: Place): string | null {
  if (last.typeName !== next.typeName || seen.has(next)) return null;
  const within = { path, seen: new Set([...seen, next]) };
  switch (next.typeName) {
    case 'record':
      return displacedInRecord(last, next, within);
    case 'array':
      return displacedField(last.itemsType, next.itemsType, within);
    case 'map':
      return displacedField(last.valuesType, next.valuesType, within);
    default:
      return next.typeName.startsWith('union') ? displacedInUnion(last, next, within) : null;
  }
}

function displacedInRecord(last: AvroType, next: AvroType, { path, seen }: Place): string | null {
  for (const [at, field] of last.fields.entries()) {
    const other = next.fields[at];
    if (!other) return null;
    const isKnown = last.fields.some(({ name }) => name === other.name);
    if (other.name !== field.name && !isKnown && !other.aliases.includes(field.name)) return path + other.name;
    const nested = displacedField(field.type, other.type, { path: `${path}${field.name}.`, seen });
    if (nested) return nested;
  }
  // What follows a record that grew moves too: only the outermost has an end that nothing follows
  const [appended] = next.fields.slice(last.fields.length);
  return appended && path !== '' ? path + appended.name : null;
}

function displacedInUnion(last: AvroType, next: AvroType, place: Place): string | null {
  for (const branch of next.types) {
    const before = last.types.find(({ branchName }) => branchName === branch.branchName);
    const displaced = before ? displacedField(before, branch, place) : null;
    if (displaced) return displaced;
  }
  return null;
}

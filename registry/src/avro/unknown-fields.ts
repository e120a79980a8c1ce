/** Fields of an event that its schema does not have: `write.ts` drops them, a caller may have misspelled them. */
import { kindOfType, kindOfValue } from './branches.ts';
import { isRecord, isUnion } from './resolve.ts';
import type { AvroType } from './schema.ts';

/** `path` leads to the field, `items[3].price`; `known` are the fields of the record that it stands in. */
export interface UnknownField {
  path: string;
  name: string;
  known: readonly string[];
}

/** Most that are reported of one event; a body of megabytes can have very many. */
const MAX_REPORTED = 5;

/** The first unknown fields of an event, nested records, lists, maps and unions included. A part of another type has none. */
export function unknownFieldsOf(type: AvroType, event: unknown): UnknownField[] {
  return new UnknownFieldSearch().of(type, event);
}

class UnknownFieldSearch {
  /** Branches of recursive unions meet the same part again and again: 2^depth visits without it. */
  readonly #found = new Map<object, Map<AvroType, UnknownField[]>>();

  of(type: AvroType, value: unknown): UnknownField[] {
    if (typeof value !== 'object' || value === null) return [];
    const byType = this.#found.get(value) ?? new Map<AvroType, UnknownField[]>();
    this.#found.set(value, byType);
    const known = byType.get(type);
    if (known) return known;
    const found = this.#search(type, value);
    byType.set(type, found);
    return found;
  }

  #search(type: AvroType, value: object): UnknownField[] {
    if (isUnion(type)) return this.#ofUnion(type, value);
    if (kindOfType(type) !== kindOfValue(value)) return [];
    if (isRecord(type)) return this.#ofRecord(type, value as Record<string, unknown>);
    if (type.typeName === 'array') return firstOf((value as unknown[]).entries(), ([i, item]) => below(i, this.of(type.itemsType, item)));
    if (type.typeName === 'map') return firstOf(Object.entries(value), ([key, item]) => below(key, this.of(type.valuesType, item)));
    return [];
  }

  #ofRecord(type: AvroType, value: Record<string, unknown>): UnknownField[] {
    const types = new Map(type.fields.map((field) => [field.name, field.type]));
    return firstOf(Object.entries(value), ([name, item]) => {
      const fieldType = types.get(name);
      return fieldType ? below(name, this.of(fieldType, item)) : [{ path: name, name, known: [...types.keys()] }];
    });
  }

  /** The branch that the value comes closest to. */
  #ofUnion(type: AvroType, value: object): UnknownField[] {
    const kind = kindOfValue(value);
    const found = type.types.filter((branch) => kindOfType(branch) === kind).map((branch) => this.of(branch, value));
    return found.toSorted((a, b) => a.length - b.length)[0] ?? [];
  }
}

function firstOf<Part>(parts: Iterable<Part>, find: (part: Part) => UnknownField[]): UnknownField[] {
  const found: UnknownField[] = [];
  for (const part of parts) {
    found.push(...find(part));
    if (found.length >= MAX_REPORTED) break;
  }
  return found.slice(0, MAX_REPORTED);
}

function below(part: string | number, found: readonly UnknownField[]): UnknownField[] {
  const head = typeof part === 'number' ? `[${part}]` : part;
  return found.map((field) => ({ ...field, path: field.path.startsWith('[') ? head + field.path : `${head}.${field.path}` }));
}

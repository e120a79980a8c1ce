/** The CRD's CEL rules and list keys, evaluated here as the API server does. */
import { compileRule } from '@sagafleet/expressions';
import { SAGASTEP_SCHEMA, type StructuralSchema } from '@sagafleet/schemas';
import { ownProperty } from './defaults.ts';
import type { Finding, Path } from './problem.ts';

interface Rule {
  holds: (self: unknown) => boolean;
  message: string;
  below: Path;
}
/** Rules of the whole object are about its name: a CRD cannot point there with `fieldPath`. */
const NAME: Path = ['metadata', 'name'];
const compiled = new WeakMap<StructuralSchema, Rule[]>();

/** Rules that compare with the stored object (`oldSelf`) are left to the API server. */
export function ruleFindings(manifest: unknown): Finding[] {
  return findingsBelow(manifest, SAGASTEP_SCHEMA, []);
}

function findingsBelow(value: unknown, schema: StructuralSchema, path: Path): Finding[] {
  const broken = rulesOf(schema).filter((rule) => !rule.holds(celValue(value, schema)));
  return [
    ...broken.map((rule) => ({ path: [...path, ...rule.below], message: rule.message })),
    ...repeatedKeys(value, schema, path),
    ...childrenOf(value, schema).flatMap(([name, child, childSchema]) => findingsBelow(child, childSchema, [...path, name])),
  ];
}

function rulesOf(schema: StructuralSchema): Rule[] {
  let rules = compiled.get(schema);
  if (rules === undefined) {
    rules = (schema['x-kubernetes-validations'] ?? [])
      .filter(({ rule }) => !rule.includes('oldSelf'))
      .map((validation) => ({
        holds: compileRule(validation.rule),
        message: validation.message,
        below: validation.fieldPath?.split('.').slice(1) ?? (schema === SAGASTEP_SCHEMA ? NAME : []),
      }));
    compiled.set(schema, rules);
  }
  return rules;
}

type Child = [name: string | number, value: unknown, schema: StructuralSchema];

function childrenOf(value: unknown, schema: StructuralSchema): Child[] {
  if (typeof value !== 'object' || value === null) return [];
  const { items, additionalProperties } = schema;
  if (Array.isArray(value)) return items ? value.map((element, index): Child => [index, element, items]) : [];
  return Object.entries(value).flatMap(([name, field]): Child[] => {
    const fieldSchema = ownProperty(schema, name) ?? additionalProperties;
    return fieldSchema ? [[name, field, fieldSchema]] : [];
  });
}

/** Whole numbers become CEL ints. */
function celValue(value: unknown, schema: StructuralSchema): unknown {
  if (typeof value === 'number') {
    const isInt = schema.type === 'integer' || schema['x-kubernetes-int-or-string'] === true;
    return isInt ? BigInt(value) : value;
  }
  if (Array.isArray(value)) return childrenOf(value, schema).map(([, element, elementSchema]) => celValue(element, elementSchema));
  if (typeof value !== 'object' || value === null || !(schema.properties || schema.additionalProperties)) return value;
  const known = new Map(childrenOf(value, schema).map(([name, , fieldSchema]) => [name, fieldSchema]));
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, celValue(field, known.get(name) ?? {})]));
}

/** `x-kubernetes-list-type`: elements of a set, and keys of a map, stand once. */
function repeatedKeys(value: unknown, schema: StructuralSchema, path: Path): Finding[] {
  const listType = schema['x-kubernetes-list-type'];
  if (!Array.isArray(value) || (listType !== 'map' && listType !== 'set')) return [];
  const [key] = schema['x-kubernetes-list-map-keys'] ?? [];
  const keys = value.map((element) => String(key === undefined ? element : element[key]));
  return keys.flatMap((text, index) =>
    keys.indexOf(text) === index
      ? []
      : [
          {
            path: key === undefined ? [...path, index] : [...path, index, key],
            message: `"${text}" is duplicated in this list: remove one`,
          },
        ],
  );
}

/** The manifest against the CRD's schema, unknown fields refused. */
import { didYouMean } from '@sagafleet/expressions';
import { SAGASTEP_API_VERSION, SAGASTEP_KIND, SAGASTEP_SCHEMA, type StructuralSchema } from '@sagafleet/schemas';
import { Ajv, type ErrorObject } from 'ajv';
import type { Finding, Path } from './problem.ts';

/** ObjectMeta of Kubernetes; the CRD has it from there. */
const METADATA = {
  type: 'object',
  required: ['name'],
  additionalProperties: false,
  properties: {
    name: { type: 'string' },
    namespace: { type: 'string' },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    annotations: { type: 'object', additionalProperties: { type: 'string' } },
    generateName: {},
    finalizers: {},
    ownerReferences: {},
    uid: {},
    resourceVersion: {},
    generation: {},
    creationTimestamp: {},
    deletionTimestamp: {},
    deletionGracePeriodSeconds: {},
    managedFields: {},
    selfLink: {},
  },
};

const validate = new Ajv({ allErrors: true, verbose: true, allowUnionTypes: true, strictRequired: false, validateFormats: false }).compile({
  ...strict(SAGASTEP_SCHEMA),
  required: ['apiVersion', 'kind', 'metadata', 'spec'],
  properties: {
    ...(strict(SAGASTEP_SCHEMA)['properties'] as object),
    apiVersion: { const: SAGASTEP_API_VERSION },
    kind: { const: SAGASTEP_KIND },
    metadata: METADATA,
  },
});

/** What ajv understands of a structural schema, with no room for unknown fields. */
function strict(schema: StructuralSchema): Record<string, unknown> {
  const { properties, additionalProperties, items, ...rest } = schema;
  const validations = Object.entries(rest).filter(
    ([keyword]) => !keyword.startsWith('x-kubernetes-') && keyword !== 'default' && keyword !== 'description',
  );
  return {
    ...Object.fromEntries(validations),
    ...(schema['x-kubernetes-int-or-string'] ? { type: ['integer', 'string'] } : {}),
    ...(properties ? { properties: Object.fromEntries(Object.entries(properties).map(([name, field]) => [name, strict(field)])) } : {}),
    ...(additionalProperties ? { additionalProperties: strict(additionalProperties) } : {}),
    ...(properties && !schema['x-kubernetes-preserve-unknown-fields'] ? { additionalProperties: false } : {}),
    ...(items ? { items: strict(items) } : {}),
  };
}

/** Where each field stands, `spec.outcomes.*` for any outcome; by its name in lower case. */
const PLACES = Map.groupBy(fieldPlaces({ properties: { spec: SAGASTEP_SCHEMA.properties!['spec']! } }, ''), ({ name }) =>
  name.toLowerCase(),
);

function fieldPlaces({ properties = {}, items, additionalProperties }: StructuralSchema, path: string): { name: string; parent: string }[] {
  return [
    ...Object.entries(properties).flatMap(([name, field]) => [
      ...(path === '' ? [] : [{ name, parent: path }]),
      ...fieldPlaces(field, path === '' ? name : `${path}.${name}`),
    ]),
    ...(items ? fieldPlaces(items, `${path}[]`) : []),
    ...(additionalProperties ? fieldPlaces(additionalProperties, `${path}.*`) : []),
  ];
}

/** A manifest of wrong shape gives findings here, and is not looked at further. */
export function structureFindings(manifest: unknown): Finding[] {
  if (validate(manifest)) return [];
  return (validate.errors ?? []).map((error) => explain(error, manifest));
}

function explain(error: ErrorObject, manifest: unknown): Finding {
  const path = pathOf(error.instancePath, manifest);
  if (error.keyword === 'additionalProperties') {
    const name = String(error.params['additionalProperty']);
    const known = Object.keys((error.parentSchema as StructuralSchema | undefined)?.properties ?? {});
    return {
      path: [...path, name],
      atKey: true,
      message: `unknown field "${name}"${didYouMean(name, known) || elsewhere(name) || oneOfFew(known)}`,
    };
  }
  if (error.keyword === 'required') {
    return { path: [...path, String(error.params['missingProperty'])], message: 'is missing' };
  }
  return { path, message: explainValue(error) };
}

function explainValue({ keyword, params, data, message = 'is not valid' }: ErrorObject): string {
  const limit = String(params['limit']);
  switch (keyword) {
    case 'type':
      return wrongType(params['type'], data);
    case 'const':
      return `must be ${String(params['allowedValue'])}`;
    case 'enum':
      return wrongChoice(params['allowedValues'] as string[], data);
    case 'minimum':
      return `must be ${limit} or more`;
    case 'maximum':
      return `must be ${limit} or less`;
    case 'minLength':
      return 'must not be empty';
    case 'maxLength':
      return `must not be longer than ${limit} characters`;
    case 'minItems':
      return 'must not be empty: give at least one';
    case 'maxItems':
    case 'maxProperties':
      return `must not have more than ${limit} entries`;
    case 'pattern':
      return 'must be latest, or a version number from 1 on without quotes';
    default:
      return message;
  }
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  object: 'a map',
  array: 'a list',
  string: 'a text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
};

function wrongType(expected: unknown, data: unknown): string {
  const wanted = [expected]
    .flat()
    .map((type) => TYPE_NAMES[String(type)] ?? String(type))
    .join(' or ');
  const quote = expected === 'string' && (typeof data === 'number' || typeof data === 'boolean') ? `: put it in quotes, "${data}"` : '';
  return `must be ${wanted}, not ${actualType(data)}${quote}`;
}

function actualType(data: unknown): string {
  if (data === null || data === undefined) return 'empty';
  if (Array.isArray(data)) return 'a list';
  return TYPE_NAMES[typeof data] ?? typeof data;
}

function wrongChoice(allowed: string[], data: unknown): string {
  return `must be one of ${allowed.join(', ')}${typeof data === 'string' ? didYouMean(data, allowed) : ''}`;
}

/** A field that stands at another level. */
function elsewhere(name: string): string {
  const parents = (PLACES.get(name.toLowerCase()) ?? []).map(({ parent }) => parent);
  return parents.length === 0 ? '' : `, it belongs in ${parents.join(' or ')}`;
}

function oneOfFew(known: string[]): string {
  return known.length > 0 && known.length <= 6 ? `, known are ${known.join(', ')}` : '';
}

/** ajv's JSON pointer as a path; a number only where the value is a list. */
function pathOf(pointer: string, manifest: unknown): Path {
  let value = manifest;
  return pointer
    .split('/')
    .slice(1)
    .map((part) => {
      const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
      const step = Array.isArray(value) ? Number(name) : name;
      value = (value as Record<string | number, unknown>)[step];
      return step;
    });
}

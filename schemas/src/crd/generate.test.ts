import { readFileSync } from 'node:fs';
import type { Type } from 'typebox';
import { describe, expect, expectTypeOf, test } from 'vitest';
import type { SagaStepSpec } from '../sagastep.ts';
import { CRD_JSON, CRD_PAGE, CRD_YAML, renderCrd } from './generate.ts';
import type { spec } from './spec.ts';

describe('the CRD', () => {
  test('is up to date; otherwise run `npm run generate`', () => {
    const { yaml, json, page } = renderCrd();
    expect(readFileSync(CRD_YAML, 'utf8')).toBe(yaml);
    expect(readFileSync(CRD_JSON, 'utf8')).toBe(json);
    expect(readFileSync(CRD_PAGE, 'utf8')).toBe(page);
  });

  test('says what the TypeScript types say (checked by the compiler)', () => {
    expectTypeOf<Type.Static<typeof spec>>().toEqualTypeOf<SagaStepSpec>();
  });

  test('describes every field, for kubectl explain', () => {
    const { json } = renderCrd();
    expect(undescribedFields(JSON.parse(json).spec.versions[0].schema.openAPIV3Schema, '')).toEqual(['.metadata']);
  });
});

interface Schema {
  properties?: Record<string, Schema>;
  items?: Schema;
  additionalProperties?: Schema;
  description?: string;
}

function undescribedFields(schema: Schema, path: string): string[] {
  const below = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    ...(field.description === undefined ? [`${path}.${name}`] : []),
    ...undescribedFields(field, `${path}.${name}`),
  ]);
  const elements = [schema.items, schema.additionalProperties].filter((element) => element !== undefined);
  return [...below, ...elements.flatMap((element) => undescribedFields(element, `${path}[]`))];
}

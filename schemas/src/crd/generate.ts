/** Writes the CRD from its source: as YAML for clusters, as JSON for the code that checks manifests, as a page for people. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { type FieldSchema, sagaStepReference } from './reference.ts';
import { sagaStepCrd } from './sagastep-crd.ts';

export const CRD_YAML = new URL('../../crd/sagastep.yaml', import.meta.url);
export const CRD_PAGE = new URL('../../../docs/reference/sagastep.md', import.meta.url);
export const CRD_JSON = new URL('../sagastep-crd.json', import.meta.url);

/** The texts of the three files. */
export function renderCrd(): { yaml: string; json: string; page: string } {
  const note = '# Generated from schemas/src/crd by `npm run generate`. Do not edit.\n';
  // By way of JSON: the source's objects carry hidden type information.
  const json = JSON.stringify(sagaStepCrd, null, 1);
  const crd = JSON.parse(json) as { spec: { versions: [{ schema: { openAPIV3Schema: FieldSchema } }] } };
  return {
    yaml: note + stringify(crd, { lineWidth: 0, aliasDuplicateObjects: false }),
    json: `${json}\n`,
    page: sagaStepReference(crd.spec.versions[0].schema.openAPIV3Schema),
  };
}

if (import.meta.main) {
  const { yaml, json, page } = renderCrd();
  writeFileSync(CRD_YAML, yaml);
  writeFileSync(CRD_JSON, json);
  mkdirSync(new URL('.', CRD_PAGE), { recursive: true });
  writeFileSync(CRD_PAGE, page);
}

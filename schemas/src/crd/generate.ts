/** Writes the CRD from its source: as YAML for people and clusters, as JSON for the code that checks manifests. */
import { writeFileSync } from 'node:fs';
import { stringify } from 'yaml';
import { sagaStepCrd } from './sagastep-crd.ts';

export const CRD_YAML = new URL('../../crd/sagastep.yaml', import.meta.url);
export const CRD_JSON = new URL('../sagastep-crd.json', import.meta.url);

/** The two files' texts. */
export function renderCrd(): { yaml: string; json: string } {
  const note = '# Generated from schemas/src/crd by `npm run generate`. Do not edit.\n';
  // By way of JSON: the source's objects carry hidden type information.
  const json = JSON.stringify(sagaStepCrd, null, 1);
  return { yaml: note + stringify(JSON.parse(json), { lineWidth: 0, aliasDuplicateObjects: false }), json: `${json}\n` };
}

if (import.meta.main) {
  const { yaml, json } = renderCrd();
  writeFileSync(CRD_YAML, yaml);
  writeFileSync(CRD_JSON, json);
}

import { stringify } from 'yaml';
import type { KubeObject } from './object.ts';

/** As people read manifests; all other keys by the alphabet. */
const FIRST_KEYS = ['apiVersion', 'kind', 'metadata', 'name', 'namespace'];

/** YAML documents; the same objects give the same bytes. */
export function render(objects: readonly KubeObject[]): string {
  const options = {
    lineWidth: 0,
    aliasDuplicateObjects: false,
    sortMapEntries: (a: Entry, b: Entry) => compareKeys(String(a.key), String(b.key)),
  };
  return objects.map((object) => `---\n${stringify(object, options)}`).join('');
}

interface Entry {
  key: unknown;
}

function compareKeys(a: string, b: string): number {
  const rank = (key: string) => (FIRST_KEYS.includes(key) ? FIRST_KEYS.indexOf(key) : FIRST_KEYS.length);
  return rank(a) - rank(b) || (a < b ? -1 : Number(a > b));
}

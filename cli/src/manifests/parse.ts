import { nearestName } from '@sagafleet/expressions';
import { SAGASTEP_API_VERSION, SAGASTEP_KIND } from '@sagafleet/schemas';
import { type Document, isMap, isSeq, LineCounter, type Node, parseAllDocuments, visit, type YAMLError } from 'yaml';
import type { Diagnostic } from './diagnostic.ts';
import { placeOfSpan, type YamlSource } from './place.ts';

/** A SagaStep as it stands in a file; its shape is not yet checked. */
export interface Manifest {
  file: string;
  object: unknown;
  yaml: YamlSource;
}
/** An object of another kind, left to others. */
export interface Skipped {
  file: string;
  kind: string;
}
export interface ParsedFile {
  manifests: Manifest[];
  skipped: Skipped[];
  diagnostics: Diagnostic[];
}

/** The SagaSteps in the text of a YAML file of one or more documents, those in a List too. */
export function parseManifests(file: string, text: string): ParsedFile {
  const lines = new LineCounter();
  const documents = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, stringKeys: true, merge: true });
  const parsed: ParsedFile = { manifests: [], skipped: [], diagnostics: [] };
  for (const document of documents as Document[]) {
    const found = mistakesOf(document).map(({ span, message }): Diagnostic => ({
      severity: 'error',
      file,
      place: placeOfSpan(span, { text, lines }),
      path: null,
      message,
    }));
    parsed.diagnostics.push(...found);
    if (found.length === 0 && document.contents)
      sort(document.contents, { file, yaml: { text, lines, document, root: document.contents } }, parsed);
  }
  return parsed;
}

function sort(root: Node, { file, yaml }: Omit<Manifest, 'object'>, parsed: ParsedFile): void {
  const object: unknown = root.toJS(yaml.document);
  if (object === null) return;
  const { apiVersion, kind } = typeof object === 'object' && object !== null ? (object as Record<string, unknown>) : {};
  const items = isMap(root) ? root.get('items', true) : undefined;
  if ((kind === 'List' || kind === `${SAGASTEP_KIND}List`) && isSeq(items)) {
    for (const item of items.items) sort(item as Node, { file, yaml: { ...yaml, root: item as Node } }, parsed);
    return;
  }
  if (isSagaStep(apiVersion, kind)) parsed.manifests.push({ file, object, yaml: { ...yaml, root } });
  else parsed.skipped.push({ file, kind: typeof kind === 'string' ? kind : 'an object without kind' });
}

/** Also one whose kind is missing or misspelt, so that it is not passed over in silence. */
function isSagaStep(apiVersion: unknown, kind: unknown): boolean {
  if (kind === SAGASTEP_KIND) return true;
  const [group = ''] = SAGASTEP_API_VERSION.split('/');
  const isOurs = typeof apiVersion === 'string' && apiVersion.startsWith(`${group}/`);
  return isOurs && (typeof kind !== 'string' || nearestName(kind, [SAGASTEP_KIND]) !== null);
}

interface Mistake {
  span: [number, number];
  message: string;
}

function mistakesOf(document: Document): Mistake[] {
  const mistakes = document.errors.map((error): Mistake => ({ span: error.pos, message: explain(error) }));
  if (mistakes.length > 0) return mistakes;
  visit(document, {
    Alias(_, alias) {
      if (alias.resolve(document) !== undefined) return;
      const [start, end] = alias.range ?? [0, 0];
      mistakes.push({ span: [start, end], message: `alias *${alias.source} has no anchor &${alias.source} before it` });
    },
  });
  return mistakes.length > 0 ? mistakes : conversionMistake(document);
}

/** Aliases that multiply, or hold themselves, show up only when the value is made. */
function conversionMistake(document: Document): Mistake[] {
  try {
    JSON.stringify(document.toJS());
    return [];
  } catch {
    return [{ span: [document.range?.[0] ?? 0, 0], message: 'aliases repeat too much, or repeat themselves: write the values out' }];
  }
}

function explain({ code, message }: YAMLError): string {
  switch (code) {
    case 'DUPLICATE_KEY':
      return 'duplicate key: remove one';
    case 'TAB_AS_INDENT':
      return 'a tab cannot indent in YAML: use spaces';
    default:
      return `not valid YAML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
  }
}

import { existsSync, readFileSync } from 'node:fs';
import { dirname, relative, resolve } from 'node:path';

/** `import type` and `export type` leave nothing behind at run time. */
const IMPORTED = /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;

/** Uses a part of Node that decides and never acts. */
const PURE_ALL_THE_SAME = ['operator/src/content-hash.ts'];

/** Follows what a pure file imports from its own package: none of it may act either. */
export const pureImports = {
  meta: {
    type: 'problem',
    schema: [],
    messages: { acts: 'a pure file decides and leaves acting to its caller, but {{chain}} acts' },
  },
  create(context) {
    const check = (node) => {
      if (!node.source?.value.startsWith('.') || node.importKind === 'type' || node.exportKind === 'type') return;
      const file = resolve(dirname(context.filename), node.source.value);
      const chain = wayToActing(file, context.cwd);
      if (chain) context.report({ node, messageId: 'acts', data: { chain: chain.join(' → ') } });
    };
    return { ImportDeclaration: check, ExportNamedDeclaration: check, ExportAllDeclaration: check };
  },
};

/**
 * Files from this one to one that loads a part of Node, or kafkajs, by path below `root`; null where there is none.
 * @param {string} file
 * @param {string} root
 * @returns {string[] | null}
 */
export function wayToActing(file, root, visited = new Set()) {
  const path = relative(root, file);
  if (visited.has(file) || !existsSync(file) || PURE_ALL_THE_SAME.includes(path)) return null;
  visited.add(file);
  for (const [, source] of readFileSync(file, 'utf8').matchAll(IMPORTED)) {
    if (source.startsWith('node:') || source === '@sagafleet/kafka') return [path, source];
    const further = source.startsWith('.') ? wayToActing(resolve(dirname(file), source), root, visited) : null;
    if (further) return [path, ...further];
  }
  return null;
}

import { watch, type FSWatcher } from 'node:fs';
import { resolve } from 'node:path';

/** Editors write a file in several steps. */
const SETTLE_MS = 150;

/** Calls `onChange` after changes have settled, one call at a time. */
export function watchManifests(paths: readonly string[], cwd: string, onChange: () => Promise<void>): { close(): void } {
  let timer: NodeJS.Timeout | undefined;
  let running = Promise.resolve();
  const changed = () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      running = running.then(onChange);
    }, SETTLE_MS);
  };
  const watchers: FSWatcher[] = paths.map((path) => watch(resolve(cwd, path), changed));
  return {
    close: () => {
      clearTimeout(timer);
      for (const watcher of watchers) watcher.close();
    },
  };
}

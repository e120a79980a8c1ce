import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type * as Kafkajs from 'kafkajs';
import { internalsOf } from '../src/kafkajs/hardening/harden-kafkajs.ts';
import type { Internals, Override } from '../src/kafkajs/hardening/override.ts';

export interface PrivateCopy extends Disposable {
  internals: Internals;
  kafkajs: typeof Kafkajs;
}

/**
 * kafkajs with these overrides and no others: files of its own, so that neither the hardened kafkajs
 * of this process nor another copy shares a module with it. Without overrides it is the published one.
 */
export function privateCopy(...overrides: readonly Override[]): PrivateCopy {
  const folder = mkdtempSync(join(tmpdir(), 'kafkajs-'));
  const published = dirname(createRequire(import.meta.url).resolve('kafkajs/package.json'));
  cpSync(published, join(folder, 'node_modules', 'kafkajs'), { recursive: true });
  const require = createRequire(join(folder, 'here.js'));
  const internals = internalsOf(require);
  for (const override of overrides) override.install(internals);
  return {
    internals,
    kafkajs: require('kafkajs') as typeof Kafkajs,
    [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
  };
}

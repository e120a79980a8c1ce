import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findFreePort } from '@sagafleet/local';
import { expect, test } from 'vitest';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const EXAMPLE = fileURLToPath(new URL('../../examples/order', import.meta.url));

test(
  'dev applies changed files to their step alone, rejects mistakes, says what recovered or was removed, and ends with a signal',
  { timeout: 180_000 },
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'dev-test-'));
    cpSync(EXAMPLE, folder, { recursive: true });
    const ports = ['--kafka-port', await findFreePort(), '--registry-port', await findFreePort(), '--ingress-port', await findFreePort()];
    const dev = spawn(process.execPath, ['-C', 'source', MAIN, 'dev', folder, ...ports.map(String)]);
    try {
      let output = '';
      for (const stream of [dev.stdout, dev.stderr])
        stream.on('data', (text: Buffer) => {
          output += text.toString();
        });
      const printed = (text: string) => expect.poll(() => output, { timeout: 60_000 }).toContain(text);
      const edit = (file: string, from: string, to: string) =>
        writeFileSync(join(folder, file), readFileSync(join(folder, file), 'utf8').replace(from, to));

      await printed('running; changed files are applied');
      edit('sagastep-payment.yaml', "'PAID'", "'PAID IN FULL'");
      await printed('restarted payment\n');
      edit('sagastep-shipping.yaml', 'outcomes:', 'outcome:');
      await printed('unknown field "outcome", did you mean "outcomes"?');
      await printed('not applied, the running version stays');
      edit('sagastep-shipping.yaml', 'outcome:', 'outcomes:');

      const added = '"timestamp", "type": "long" }, { "name": "weight", "type": "int" }';
      edit('sagastep-order.yaml', '"timestamp", "type": "long" }', added);
      await printed('order        | Stalled=True (Incompatible): ');
      await printed('field "weight" has no default');
      await printed('the previous version keeps running');
      edit('sagastep-order.yaml', added, '"timestamp", "type": "long" }');
      await printed('order        | Stalled=False (NoProblem): nothing has to be changed');
      rmSync(join(folder, 'sagastep-notification.yaml'));
      await printed('notification | Removed: workers stopped; topics, schemas and consumer group are retained');
      expect(output.match(/restarted/g)).toHaveLength(1);

      dev.kill('SIGTERM');
      expect(await once(dev, 'exit')).toEqual([0, null]);
    } finally {
      dev.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  },
);

import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { privateCopy } from '../../test/private-copy.ts';
import { leaveFirst } from './leave-first.ts';

interface FetchManager { start(): Promise<void>; stop(): Promise<void> }
interface Runner { running: boolean; fetchManager: FetchManager; fetch(nodeId: number): Promise<unknown[]>; stop(): Promise<void> }
type CreateFetchManager = (options: { logger: object; getNodeIds: () => number[]; fetch: Runner['fetch']; handler: () => void }) => FetchManager;

const SILENT = { namespace: () => SILENT, debug: () => {} };

test('who is leaving asks for nothing more: answered at once, it would ask without end and let nothing else happen', async () => {
  const copy = privateCopy(leaveFirst);
  onTestFinished(() => copy[Symbol.dispose]());
  const { prototype } = copy.internals.load('consumer/runner') as { prototype: Runner };
  const createFetchManager = copy.internals.load('consumer/fetchManager') as CreateFetchManager;
  let asked = 0;
  const runner: Runner = Object.assign(Object.create(prototype) as Runner, {
    running: true,
    logger: SILENT,
    instrumentationEmitter: { emit: () => {} },
    consumerGroup: {
      groupId: 'g', memberId: 'm', heartbeat: async () => {},
      fetch: async () => nextTurn([]),
      // Its answer comes after that to the fetch
      leave: async () => { for (let turn = 0; turn < 5; turn++) await nextTurn(); },
    },
    fetchManager: createFetchManager({
      logger: SILENT, getNodeIds: () => [1], handler: () => {},
      fetch: async (nodeId) => {
        if (!runner.running && ++asked > 100) throw new Error('asked without end');
        return runner.fetch(nodeId);
      },
    }),
  });
  const fetching = runner.fetchManager.start().catch(() => undefined);
  await nextTurn();
  await runner.stop();
  await fetching;
  expect(asked).toBe(0);
});

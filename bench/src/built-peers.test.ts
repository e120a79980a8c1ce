import { expect, test } from 'vitest';
import { reasonIn } from './built-peers.ts';

const OUTPUTS: Record<string, [output: string, reason: string | undefined]> = {
  'of a fetch': [
    '[info] it worked if it ends with ok\n[error] install request to https://example.org failed\n[error] not ok\n',
    '[error] install request to https://example.org failed',
  ],
  'of a compiler': [
    'Peer.java:3: error: package org.x does not exist\nimport org.x.Y;\n1 error\n',
    'Peer.java:3: error: package org.x does not exist',
  ],
  'of nothing': ['', undefined],
};

test.for(Object.entries(OUTPUTS))('finds the reason in the output %s', ([, [output, reason]]) => {
  expect(reasonIn(output)).toBe(reason);
});

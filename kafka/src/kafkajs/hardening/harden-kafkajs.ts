import { createRequire } from 'node:module';
import { KafkaError } from '../../errors.ts';
import { connectsOnce } from './connect-once.ts';
import { memberId } from './member-id.ts';
import { membershipOnly } from './membership-only.ts';
import type { Internals, Override } from './override.ts';
import { requestCopies } from './request-copies.ts';
import { requestTimers } from './request-timers.ts';

/** The overrides know this version's insides and no other's. */
const KAFKAJS_VERSION = '2.2.4';

/** Replaced modules come before patched classes, since loading a class loads what it uses. */
export const OVERRIDES: readonly Override[] = [requestCopies, requestTimers, connectsOnce, membershipOnly, memberId];

const require = createRequire(import.meta.url);
const internals = internalsOf(require);

/** The insides of the copy of kafkajs that `require` finds. */
export function internalsOf(require: NodeJS.Require): Internals {
  return {
    load: (path) => require(`kafkajs/src/${path}`) as unknown,
    replace: (path, repair) => {
      const filename = require.resolve(`kafkajs/src/${path}`);
      const stock = require(filename) as never;
      require.cache[filename]!.exports = repair(stock);
    },
  };
}

let isHardened = false;

/** Repairs this process' kafkajs, once. Throws `not-hardened` when it is another version or in use already. */
export function hardenKafkajs(): void {
  if (isHardened) return;
  checkVersion();
  if (require.cache[require.resolve('kafkajs')]) {
    throw new KafkaError(
      'not-hardened',
      'kafkajs was loaded before it was hardened, ' + 'import what you need of it from @sagafleet/kafka',
    );
  }
  for (const override of OVERRIDES) override.install(internals);
  isHardened = true;
}

/** The start-up self-test: throws `not-hardened` with the names of the overrides that do not work. */
export function verifyHardening(): void {
  checkVersion();
  if (isHardened) refuseUnlessHardened(internals);
  else refuse(OVERRIDES);
}

/** The self-test of one copy of kafkajs. */
export function refuseUnlessHardened(copy: Internals): void {
  refuse(OVERRIDES.filter((override) => !override.isActive(copy)));
}

function refuse(inactive: readonly Override[]): void {
  if (inactive.length === 0) return;
  const names = inactive.map(({ name }) => name).join(', ');
  throw new KafkaError('not-hardened', `kafkajs runs without ${names}, call hardenKafkajs before its first use`);
}

function checkVersion(): void {
  const { version } = internals.load('../package.json') as { version: string };
  if (version !== KAFKAJS_VERSION) {
    throw new KafkaError('not-hardened', `kafkajs is ${version}, install ${KAFKAJS_VERSION} exactly`);
  }
}

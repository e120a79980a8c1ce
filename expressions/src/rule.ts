import { Environment } from '@marcbachmann/cel-js';
import { shielded } from './values.ts';

const environment = new Environment({ enableOptionalTypes: true }).registerVariable('self', 'dyn');

/**
 * A validation rule of a CRD, over `self` (ints as `bigint`). A rule that can not be evaluated on a
 * value does not hold for it, as with the API server.
 * @throws if the text is no CEL
 */
export function compileRule(rule: string): (self: unknown) => boolean {
  const run = environment.parse(rule);
  return (self) => {
    try {
      return run({ self: shielded(self) ?? self }) === true;
    } catch {
      return false;
    }
  };
}

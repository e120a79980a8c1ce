import { typeOfName } from './check/type.ts';
import { compileText } from './engine.ts';
import { ExpressionError } from './errors.ts';

const SELF = new Map([['self', typeOfName('dyn')]]);

/**
 * A validation rule of a CRD, over `self` (ints as `bigint`). A rule that cannot be evaluated on a
 * value does not hold for it, as with the API server.
 * @throws if the text is not CEL
 */
export function compileRule(rule: string): (self: unknown) => boolean {
  const { run } = compileText(rule, { variables: SELF, now: () => 0, optionals: true });
  return (self) => {
    try {
      return run({ self }) === true;
    } catch (error) {
      if (error instanceof ExpressionError) return false;
      throw error;
    }
  };
}

/** Judges expressions by cases of cel-spec: does each give the wanted value, or is it rejected when it is applied? */
import { typeOfName } from '../../src/check/type.ts';
import { compileText } from '../../src/engine.ts';
import { ExpressionError } from '../../src/errors.ts';
import { isReadable, readValue, writeValue } from './notation.ts';

/** A line of the file; more fields may follow. */
export interface Case {
  Expr: string;
  /** `E` where an error is wanted. */
  Want: string;
  /** Values of the variables, by name. */
  Bind: Record<string, string>;
}

export interface Verdict {
  /** `apart`: it is about values that sagafleet has no type for, such as messages, so it is not judged. */
  verdict: 'right' | 'rejected' | 'different' | 'apart';
  /** What it gave: a value, `E: message`, or `rejected: message`. */
  gave: string;
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** An error is right where one is wanted, whether it is found when the expression is applied or when it runs. */
export function judge({ Expr, Want, Bind }: Case): Verdict {
  if ((Want !== 'E' && !isReadable(Want)) || !Object.values(Bind).every(isReadable)) return { verdict: 'apart', gave: '' };
  const gave = outcomeOf(Expr, Bind);
  if (Want === 'E') return { verdict: gave.startsWith('E: ') || gave.startsWith('rejected: ') ? 'right' : 'different', gave };
  if (gave.startsWith('rejected: ')) return { verdict: 'rejected', gave };
  return { verdict: gave === writeValue(readValue(Want)) ? 'right' : 'different', gave };
}

function outcomeOf(text: string, bindings: Record<string, string>): string {
  const names = Object.keys(bindings);
  // The specification has variables with dots in their names; those of a step have none
  const qualified = names.find((name) => !NAME.test(name));
  if (qualified !== undefined) return `rejected: "${qualified}" cannot be the name of a variable`;
  let run: (variables: object) => unknown;
  try {
    ({ run } = compileText(text, { variables: new Map(names.map((name) => [name, typeOfName('dyn')])), now: () => 0 }));
  } catch (error) {
    return `rejected: ${messageOf(error)}`;
  }
  try {
    return writeValue(run(Object.fromEntries(names.map((name) => [name, readValue(bindings[name]!)]))));
  } catch (error) {
    return `E: ${messageOf(error)}`;
  }
}

/** Any other error is a defect of sagafleet, not a verdict. */
function messageOf(error: unknown): string {
  if (error instanceof ExpressionError) return error.message;
  throw error;
}

export interface Tally {
  right: number;
  rejected: number;
  different: number;
  /** Those that are judged. */
  cases: number;
}

export function tallyOf(verdicts: readonly Verdict[]): Tally {
  const count = (wanted: Verdict['verdict']) => verdicts.filter(({ verdict }) => verdict === wanted).length;
  const [right, rejected, different] = [count('right'), count('rejected'), count('different')];
  return { right, rejected, different, cases: right + rejected + different };
}

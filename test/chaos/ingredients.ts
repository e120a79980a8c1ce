/** What a run is made of, its faults apart. Pure: by the seed, where nothing else is asked for. */
import type { Guarantee } from '@sagafleet/schemas';
import { randomFrom } from './random.ts';

export interface Ingredients {
  /** Of the step that the feed writes to. */
  guarantee: Guarantee;
  /** One record of some has an expression that takes long. */
  hasSlowExpressions: boolean;
  /** A second step that clients POST to. */
  hasIngress: boolean;
}

/** Null: by the seed. */
export type WantedIngredients = { [K in keyof Ingredients]: Ingredients[K] | null };

/** Chance of its own: what is asked for changes nothing else that the seed says. */
const STREAM = 0x1c0ffee;
/** Of the runs. */
const AT_LEAST_ONCE_SHARE = 0.35;
const SLOW_EXPRESSIONS_SHARE = 0.5;
const INGRESS_SHARE = 0.5;

export function chooseIngredients(seed: number, wanted: WantedIngredients): Ingredients {
  const random = randomFrom(seed ^ STREAM);
  const guarantee = random.fraction() < AT_LEAST_ONCE_SHARE ? 'AtLeastOnce' : 'ExactlyOnce';
  const hasSlowExpressions = random.fraction() < SLOW_EXPRESSIONS_SHARE;
  const hasIngress = random.fraction() < INGRESS_SHARE;
  return {
    guarantee: wanted.guarantee ?? guarantee,
    hasSlowExpressions: wanted.hasSlowExpressions ?? hasSlowExpressions,
    hasIngress: wanted.hasIngress ?? hasIngress,
  };
}

/** "AtLeastOnce, slow expressions, HTTP ingress" */
export function describeIngredients({ guarantee, hasSlowExpressions, hasIngress }: Ingredients): string {
  return [guarantee, ...(hasSlowExpressions ? ['slow expressions'] : []), ...(hasIngress ? ['HTTP ingress'] : [])].join(', ');
}

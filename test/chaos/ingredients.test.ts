import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chooseIngredients, describeIngredients, type Ingredients } from './ingredients.ts';

const BY_SEED = { guarantee: null, hasSlowExpressions: null, hasIngress: null };
const ALL: Ingredients = { guarantee: 'AtLeastOnce', hasSlowExpressions: true, hasIngress: true };
const NONE: Ingredients = { guarantee: 'ExactlyOnce', hasSlowExpressions: false, hasIngress: false };

test('the same seed chooses the same, and sixty in a row come to each guarantee with and without the rest', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 31 }), (seed) => {
      const chosen = Array.from({ length: 60 }, (_, at) => chooseIngredients(seed + at, BY_SEED));
      expect(chooseIngredients(seed, BY_SEED)).toEqual(chosen[0]);
      for (const guarantee of ['ExactlyOnce', 'AtLeastOnce']) {
        const its = chosen.filter((each) => each.guarantee === guarantee);
        for (const what of ['hasSlowExpressions', 'hasIngress'] as const) expect(new Set(its.map((each) => each[what])).size).toBe(2);
      }
    }),
  );
});

test('what is asked for is taken, and leaves the rest to the seed', () => {
  fc.assert(
    fc.property(fc.integer(), fc.constantFrom(ALL, NONE), (seed, wanted) => {
      const bySeed = chooseIngredients(seed, BY_SEED);
      expect(chooseIngredients(seed, wanted)).toEqual(wanted);
      expect(chooseIngredients(seed, { ...BY_SEED, guarantee: wanted.guarantee })).toEqual({ ...bySeed, guarantee: wanted.guarantee });
      expect(chooseIngredients(seed, { ...BY_SEED, hasIngress: wanted.hasIngress })).toEqual({ ...bySeed, hasIngress: wanted.hasIngress });
    }),
  );
});

test('says what it is in a line', () => {
  expect(describeIngredients(ALL)).toBe('AtLeastOnce, slow expressions, HTTP ingress');
  expect(describeIngredients(NONE)).toBe('ExactlyOnce');
});

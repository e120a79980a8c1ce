/** Chance that is the same for the same seed. */
export interface Random {
  /** 0 ≤ x < 1. */
  fraction: () => number;
  /** `from` ≤ whole number < `below`. */
  whole: (from: number, below: number) => number;
  /** One of them; there must be one. */
  pick: <T>(choices: readonly T[]) => T;
  shuffle: <T>(items: readonly T[]) => T[];
}

/** Mulberry32 (Tommy Ettinger, public domain): 32 bits of state are plenty for a timeline. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  const fraction = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const whole = (from: number, below: number) => from + Math.floor(fraction() * (below - from));
  const pick = <T>(choices: readonly T[]) => choices[whole(0, choices.length)] as T;
  return {
    fraction,
    whole,
    pick,
    shuffle: (items) => {
      const left = [...items];
      return items.map(() => left.splice(whole(0, left.length), 1)[0]!);
    },
  };
}

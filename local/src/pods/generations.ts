import { keyOf, refOf } from '@sagafleet/operator';
import type { SagaStep } from '@sagafleet/schemas';

/** Numbers the versions of a manifest from 1, as the API server does: one more with each change of `spec`. */
export class Generations {
  readonly #known = new Map<string, { spec: string; generation: number }>();

  number(steps: readonly SagaStep[]): SagaStep[] {
    return steps.map((step) => ({ ...step, metadata: { ...step.metadata, generation: this.#generationOf(step) } }));
  }

  #generationOf(step: SagaStep): number {
    const key = keyOf(refOf(step));
    const [text, known] = [JSON.stringify(step.spec), this.#known.get(key)];
    const generation = known?.spec === text ? known.generation : (known?.generation ?? 0) + 1;
    this.#known.set(key, { spec: text, generation });
    return generation;
  }
}

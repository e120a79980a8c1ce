/** A bounded cache in front of an asynchronous source: one call in flight per key, refusals remembered for a while. */
import { RegistryError } from './errors.ts';

const MAX_ENTRIES = 1000;
/** A schema may be registered after a record with its id was seen, so a refusal does not stay true. */
const REFUSAL_MS = 10_000;

export class Lookup<V> {
  readonly #clock: () => number;
  readonly #values = new Map<string, V>();
  readonly #refusals = new Map<string, { error: RegistryError; until: number }>();
  readonly #inFlight = new Map<string, Promise<V>>();

  constructor(clock: () => number) {
    this.#clock = clock;
  }

  /** @throws what `load` throws; a permanent RegistryError again, without a call, until it has aged */
  async get(key: string, load: () => Promise<V>): Promise<V> {
    const value = this.#values.get(key);
    if (value !== undefined) return value;
    const refusal = this.#refusals.get(key);
    if (refusal && refusal.until > this.#clock()) throw refusal.error;
    return await this.inFlight(key, async () => {
      try {
        const loaded = await load();
        put(this.#values, key, loaded);
        return loaded;
      } catch (error) {
        if (error instanceof RegistryError && error.consequence === 'permanent') {
          put(this.#refusals, key, { error, until: this.#clock() + REFUSAL_MS });
        }
        throw error;
      }
    });
  }

  /** Joins a call that is under way; keeps nothing. */
  inFlight(key: string, load: () => Promise<V>): Promise<V> {
    const running = this.#inFlight.get(key);
    if (running) return running;
    const started = load().finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, started);
    return started;
  }
}

/** Drops the entry that was put first where the map is full. */
function put<V>(map: Map<string, V>, key: string, value: V): void {
  if (map.size >= MAX_ENTRIES) map.delete(map.keys().next().value!);
  map.set(key, value);
}

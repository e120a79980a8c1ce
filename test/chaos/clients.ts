import { setTimeout as delay } from 'node:timers/promises';
import { textOf } from './events.ts';
import type { PostedEvent } from './inbox.ts';
import { type Random, randomFrom } from './random.ts';

export interface WebEvent {
  id: string;
  key: string;
  sequence: bigint;
}

export interface ClientsOptions {
  seed: number;
  /** Where an event can be POSTed now; a client takes one of them, as a load balancer would. */
  urls: () => string[];
  encode: (event: WebEvent) => Buffer;
}

const CLIENTS = 4;
/** Shared by all clients. */
const KEYS = 12;
const PAUSE_MS = 20;
/** A client gives up the answer, and POSTs again: what it sent may be worked all the same, and later. */
const ANSWER_WITHIN_MS = 2_000;
const AGAIN_AFTER_MS = 200;
const ACCEPTED = 202;

/** Clients that POST one event after another, each until it is accepted. */
export class Clients {
  readonly posted: PostedEvent[] = [];
  readonly #options: ClientsOptions;

  constructor(options: ClientsOptions) {
    this.#options = options;
  }

  /** Resolves on abort, with the events under way given up. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(Array.from({ length: CLIENTS }, (_, client) => this.#post(client, randomFrom(this.#options.seed + client), signal)));
  }

  async #post(client: number, random: Random, signal: AbortSignal): Promise<void> {
    for (let sequence = 1n; !signal.aborted; sequence++) {
      const key = `key-${random.whole(0, KEYS)}`;
      const event = { id: `client-${client}-${sequence}`, key, sequence };
      const posted = { client, key, value: textOf(this.#options.encode(event)), posts: 0, isAccepted: false };
      this.posted.push(posted);
      await this.#untilAccepted(event, posted, { random, signal });
      await pause(PAUSE_MS, signal);
    }
  }

  async #untilAccepted(event: WebEvent, posted: PostedEvent, { random, signal }: { random: Random; signal: AbortSignal }): Promise<void> {
    const body = JSON.stringify({ ...event, sequence: Number(event.sequence) });
    while (!signal.aborted) {
      const urls = this.#options.urls();
      if (urls.length > 0) {
        posted.posts++;
        posted.isAccepted = (await statusOf(random.pick(urls), body)) === ACCEPTED;
        if (posted.isAccepted) return;
      }
      await pause(AGAIN_AFTER_MS, signal);
    }
  }
}

/** Null where no answer came. */
async function statusOf(url: string, body: string): Promise<number | null> {
  try {
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
    await answer.arrayBuffer();
    return answer.status;
  } catch {
    return null;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return delay(ms, undefined, { signal }).catch(() => undefined);
}

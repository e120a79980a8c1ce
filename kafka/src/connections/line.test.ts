import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { type ProtocolRequest, type Connection } from '../kafkajs/private-shape.ts';
import { Line } from './line.ts';

type Answer = PromiseWithResolvers<string>;

/** A connection whose answers the test gives. */
class FakeConnection implements Connection {
  readonly sent: Answer[] = [];
  readonly log: string[] = [];
  connecting: PromiseWithResolvers<void> | null = null;
  authenticating: Promise<void> = Promise.resolve();
  socket = {
    destroy: () => {
      this.log.push('destroy');
    },
  };
  #isConnected = false;

  sasl: object | null = null;
  isProven = true;

  isConnected() {
    return this.#isConnected;
  }

  isAuthenticated() {
    return this.isProven;
  }

  async connect() {
    this.log.push('connect');
    await this.connecting?.promise;
    this.#isConnected = true;
  }

  async authenticate() {
    this.log.push('authenticate');
    await this.authenticating;
    this.isProven = true;
  }

  send<A>(): Promise<A> {
    const answer: Answer = Promise.withResolvers();
    this.sent.push(answer);
    return answer.promise as Promise<A>;
  }

  async disconnect() {
    this.log.push('disconnect');
    this.#isConnected = false;
  }

  rejectRequests(error: Error) {
    for (const { reject } of this.sent) reject(error);
  }
}

const REQUEST = {} as ProtocolRequest<string>;

function open() {
  const connection = new FakeConnection();
  const line = new Line(connection);
  const send = (signal?: AbortSignal) => {
    const answer = line.send(REQUEST, signal);
    answer.catch(() => undefined);
    return answer;
  };
  return { connection, line, send };
}

const timedOut = () => Object.assign(new Error('timed out'), { name: 'KafkaJSRequestTimeoutError' });

describe('requests', () => {
  test('wait while the connection proves again who they are from, and that waits for the answers that are on their way', async () => {
    const { connection, send } = open();
    connection.sasl = {};
    const first = send();
    await nextTurn();
    connection.isProven = false;
    const second = send();
    await nextTurn();
    expect([connection.log, connection.sent.length]).toEqual([['connect', 'authenticate'], 1]);
    connection.sent[0]!.resolve('first');
    await first;
    await nextTurn();
    expect([connection.log.slice(2), connection.sent.length]).toEqual([['connect', 'authenticate'], 2]);
    connection.sent[1]!.resolve('second');
    expect(await second).toBe('second');
  });

  test('connect once, however many there are, and wait for the proof of who they are from', async () => {
    const { connection, send } = open();
    connection.connecting = Promise.withResolvers();
    const proof = Promise.withResolvers<void>();
    connection.authenticating = proof.promise;
    void send();
    void send();
    await nextTurn();
    connection.connecting.resolve();
    await nextTurn();
    void send();
    await nextTurn();
    expect([connection.log, connection.sent.length]).toEqual([['connect', 'authenticate'], 0]);
    proof.resolve();
    await nextTurn();
    expect(connection.sent).toHaveLength(3);
  });

  test('connect again after the connection was closed, for idling say', async () => {
    const { connection, send } = open();
    void send();
    await nextTurn();
    connection.sent[0]!.resolve('first');
    await connection.disconnect();
    const both = [send(), send()];
    await nextTurn();
    for (const { resolve } of connection.sent) resolve('again');
    expect(await Promise.all(both)).toEqual(['again', 'again']);
    expect(connection.log.filter((each) => each === 'connect')).toHaveLength(2);
  });

  test('are eight at a time, in their order', async () => {
    const { connection, send } = open();
    const answers = Array.from({ length: 20 }, () => send());
    await nextTurn();
    expect(connection.sent).toHaveLength(8);
    for (let at = 0; at < 20; at++) {
      connection.sent[at]!.resolve(String(at));
      // Who comes now does not overtake who waits
      if (at === 0) answers.push(send());
      await nextTurn();
      expect(connection.sent).toHaveLength(Math.min(at + 9, 21));
    }
    connection.sent[20]!.resolve('20');
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 21 }, (_, at) => String(at)));
  });

  test('that fail give their place to the next', async () => {
    const { connection, send } = open();
    const answers = Array.from({ length: 30 }, () => send());
    for (let at = 0; at < 30; at++) {
      await nextTurn();
      connection.sent[at]!.reject(new Error(`refused ${at}`));
    }
    expect((await Promise.allSettled(answers)).map(({ status }) => status)).toEqual(Array.from({ length: 30 }, () => 'rejected'));
    void send();
    await nextTurn();
    expect(connection.sent).toHaveLength(31);
  });
});

describe('a request that is withdrawn', () => {
  test('is never sent while it waits for its turn, and one that was sent goes on', async () => {
    const { connection, send } = open();
    const owner = new AbortController();
    const others = Array.from({ length: 7 }, () => send());
    const [sent, waiting] = [send(owner.signal), send(owner.signal)];
    const behind = send();
    await nextTurn();
    owner.abort(new Error('lost'));
    await expect(waiting).rejects.toThrow('lost');
    connection.sent[7]!.resolve('sent');
    expect(await sent).toBe('sent');
    await nextTurn();
    expect(connection.sent).toHaveLength(9);
    for (const { resolve } of connection.sent) resolve('ok');
    expect(await Promise.all([...others, behind])).toHaveLength(8);
  });

  test('is never sent while it waits for the connection', async () => {
    const { connection, send } = open();
    connection.connecting = Promise.withResolvers();
    const owner = new AbortController();
    const waiting = send(owner.signal);
    owner.abort(new Error('lost'));
    connection.connecting.resolve();
    await expect(waiting).rejects.toThrow('lost');
    expect(connection.sent).toEqual([]);
  });

  test('just as its turn comes leaves the turn to the next', async () => {
    const { connection, send } = open();
    const owner = new AbortController();
    for (let at = 0; at < 8; at++) void send();
    const [given, next] = [send(owner.signal), send()];
    await nextTurn();
    connection.sent[0]!.resolve('ok');
    connection.sent[1]!.promise.catch(() => undefined);
    queueMicrotask(() => queueMicrotask(() => owner.abort(new Error('lost'))));
    await nextTurn();
    await given.catch(() => undefined);
    for (const { resolve } of connection.sent) resolve('ok');
    await nextTurn();
    for (const { resolve } of connection.sent) resolve('ok');
    expect(await next).toBe('ok');
  });

  test('before it began is refused', async () => {
    const { send } = open();
    await expect(send(AbortSignal.abort(new Error('lost')))).rejects.toThrow('lost');
  });
});

describe('the connection', () => {
  test('is closed where a request is not answered in time: nobody waits behind it, and its socket ends nothing later', async () => {
    const { connection, send } = open();
    const [slow, behind] = [send(), send()];
    await nextTurn();
    connection.sent[0]!.reject(timedOut());
    await expect(slow).rejects.toThrow('timed out');
    await expect(behind).rejects.toMatchObject({ code: 'no-broker' });
    expect(connection.log).toEqual(['connect', 'authenticate', 'disconnect', 'destroy']);
    void send();
    await nextTurn();
    expect(connection.log.slice(4)).toEqual(['connect', 'authenticate']);
  });

  test('is not used where the proof of who it is from failed', async () => {
    const { connection, send } = open();
    connection.authenticating = Promise.reject(new Error('wrong password'));
    await expect(send()).rejects.toThrow('wrong password');
    expect(connection.isConnected()).toBe(false);
    connection.authenticating = Promise.resolve();
    void send();
    await nextTurn();
    expect(connection.sent).toHaveLength(1);
    expect(connection.log).toEqual(['connect', 'authenticate', 'disconnect', 'destroy', 'connect', 'authenticate']);
  });

  test('is closed for good: what is under way, waits or comes later fails', async () => {
    const { connection, line, send } = open();
    const answers = Array.from({ length: 12 }, () => send());
    await nextTurn();
    await line.close();
    answers.push(send());
    for (const answer of answers) await expect(answer).rejects.toMatchObject({ code: 'unavailable' });
    expect(connection.isConnected()).toBe(false);
  });

  test('is closed also where it was just being made', async () => {
    const { connection, line, send } = open();
    connection.connecting = Promise.withResolvers();
    const answer = send();
    await line.close();
    connection.connecting.resolve();
    await expect(answer).rejects.toMatchObject({ code: 'unavailable' });
    expect([connection.isConnected(), connection.sent]).toEqual([false, []]);
  });
});

import type { Override, Prototype } from './override.ts';

interface Connection {
  connect(): Promise<unknown>;
}

const attempts = new WeakMap<Connection, Promise<unknown>>();
const repaired = new WeakSet<object>();

/**
 * Two requests that come to a closed connection at once, as after it was closed for idling, make kafkajs open two
 * sockets: the end of the one that nobody uses later rejects the requests of the other.
 */
function connectOnce(stock: Connection['connect']): Connection['connect'] {
  function connect(this: Connection): Promise<unknown> {
    const attempt = attempts.get(this) ?? stock.call(this).finally(() => attempts.delete(this));
    attempts.set(this, attempt);
    return attempt;
  }
  repaired.add(connect);
  return connect;
}

export const connectsOnce: Override = {
  name: 'connect-once',
  install: (internals) => {
    const { prototype } = internals.load('network/connection') as Prototype<Connection>;
    prototype.connect = connectOnce(prototype.connect);
  },
  isActive: (internals) => repaired.has((internals.load('network/connection') as Prototype<Connection>).prototype.connect),
};

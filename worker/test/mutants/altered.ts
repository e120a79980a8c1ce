/** An implementation of a port with some of its methods replaced. */
export function altered<Port extends object>(port: Port, changes: Partial<Port>): Port {
  return new Proxy(port, {
    get: (target, name) => {
      const owner = (name in changes ? changes : target) as Record<string | symbol, unknown>;
      const value = owner[name];
      return typeof value === 'function' ? (value as (...given: unknown[]) => unknown).bind(owner) : value;
    },
  });
}

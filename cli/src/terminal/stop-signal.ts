const EXIT_BY_SIGNAL = 130;

/** Resolves at the first Ctrl-C or SIGTERM; a second one ends the process at once, and its children with it. */
export function stopSignal(): Promise<undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  let isStopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      if (isStopping) process.exit(EXIT_BY_SIGNAL);
      isStopping = true;
      resolve(undefined);
    });
  }
  return promise;
}

import { RegistryError } from '../errors.ts';

/** Where in an event an error came from, put together while it travels up: `items[3].price`. */
class ErrorAtPath extends RegistryError {
  readonly path: string;
  readonly reason: string;

  constructor(path: string, reason: string, cause: RegistryError) {
    super(cause.code, `field "${path}": ${reason}`, { cause: cause.cause ?? cause });
    this.path = path;
    this.reason = reason;
  }
}

/** The error to throw from a container for one that came out of `part`; a number is an item of a list. */
export function atPath(part: string | number, error: unknown): unknown {
  if (!(error instanceof RegistryError)) return error;
  const [path, reason] = error instanceof ErrorAtPath ? [error.path, error.reason] : ['', error.message];
  const head = typeof part === 'number' ? `[${part}]` : part;
  return new ErrorAtPath(path === '' || path.startsWith('[') ? head + path : `${head}.${path}`, reason, error);
}

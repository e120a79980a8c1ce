/** Loaded before a worker: records whose bytes hold a word are harmful to decode; `SAGAFLEET_TEST_HARM` says how. */
import { AvroCodecs, type Decoder } from '@sagafleet/registry';

const LONGER_THAN_A_SESSION_MS = 9_000;

/** Keeps the event loop, as an expression would that takes long. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

const HARM: Record<string, () => void> = {
  kill: () => process.kill(process.pid, 'SIGKILL'),
  block: () => block(LONGER_THAN_A_SESSION_MS),
  throw: () => {
    throw new TypeError('x is not a function');
  },
  slow: () => block(Number(process.env['SAGAFLEET_TEST_SLOW_MS'])),
};

const harm = HARM[process.env['SAGAFLEET_TEST_HARM']!]!;
const { decoder, loadDecoder } = AvroCodecs.prototype;

const harmful = (original: Decoder) =>
  Object.assign(Object.create(original) as Decoder, {
    decode: (value: Buffer) => {
      if (value.includes('harmful')) harm();
      return original.decode(value);
    },
  });

AvroCodecs.prototype.decoder = function decoderOf(...args) {
  const found = decoder.apply(this, args);
  return found && harmful(found);
};
AvroCodecs.prototype.loadDecoder = async function load(...args) {
  return harmful(await loadDecoder.apply(this, args));
};

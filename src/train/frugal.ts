import type { SessionOptions } from '../runtime/index.ts';

/** Bytes of weights from which less memory is worth up to a fifth more time. */
const LARGE = 2 ** 25;

/** How the session of a network with so many bytes of weights is opened: a large one keeps no memory between runs. */
export function frugalIfLarge(bytes: number): SessionOptions {
  return bytes < LARGE ? {} : { plan: false, arena: false };
}

import { sizeOf } from '../onnx/index.ts';
import type { SessionOptions } from '../runtime/index.ts';

/** Bytes of weights from which less memory is worth up to a fifth more time. */
const LARGE = 2 ** 25;

/** How the session of a network with such weights is opened: a large one keeps no memory between runs. */
export function frugalIfLarge(
  weights: Iterable<{ readonly type: string; readonly dims: readonly number[] }>,
): SessionOptions {
  let bytes = 0;
  for (const { type, dims } of weights) if (type === 'float32') bytes += 4 * sizeOf(dims);
  return bytes < LARGE ? {} : { plan: false, arena: false };
}

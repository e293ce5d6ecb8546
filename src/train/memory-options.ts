import { sizeOf } from '../onnx/index.ts';
import type { SessionOptions } from '../runtime/index.ts';

/** Bytes of weights from which less memory is worth up to a fifth more time. */
const LARGE = 2 ** 25;

/**
 * How the session of a network with such weights is opened: a large one keeps no memory between runs.
 *
 * @param shortLived - whether few samples are run before the weights change. A large network is run as it is
 *   written then: ONNX Runtime would fold its normalization into copies of the weights and lay those out
 *   once more, for some milliseconds a sample
 */
export function memoryOptions(
  weights: Iterable<{ readonly type: string; readonly dims: readonly number[] }>,
  shortLived = false,
): SessionOptions {
  let bytes = 0;
  for (const { type, dims } of weights) if (type === 'float32') bytes += 4 * sizeOf(dims);
  if (bytes < LARGE) return {};
  return { memoryPattern: false, memoryArena: false, ...(shortLived && { optimize: 'none' }) };
}

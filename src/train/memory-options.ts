import { sizeOf } from '../onnx/index.ts';
import type { SessionOptions } from '../runtime/index.ts';

/** Bytes of weights above which saving memory is worth up to 20% more time. */
const LARGE = 2 ** 25;

/**
 * Session options that fit the size of a network: sessions of large networks keep no memory between
 * runs.
 *
 * @param shortLived - whether the session runs only few samples before the weights change. Large
 *   networks then run without graph optimization: it would copy the weights, which costs more time than
 *   it saves on few samples
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

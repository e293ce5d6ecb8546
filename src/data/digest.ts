import { createHash } from 'node:crypto';
import { sizeOf } from '../onnx/tensor.ts';
import type { Dataset } from './dataset.ts';

const CHUNK_BYTES = 2 ** 22;

/**
 * SHA-256, in hex, of the data as a network gets them: the labels as little-endian int32, then all samples
 * as little-endian float32. In NumPy:
 * `sha256(labels.astype('<i4').tobytes() + data.astype('<f4').tobytes())`.
 */
export async function digest(dataset: Dataset): Promise<string> {
  const hash = createHash('sha256');
  hash.update(bytesOf(dataset.labels));
  const size = sizeOf(dataset.sample);
  const rows = Math.max(1, Math.floor(CHUNK_BYTES / 4 / Math.max(1, size)));
  const chunk = new Float32Array(Math.min(rows, dataset.length) * size);
  for (let start = 0; start < dataset.length; start += rows) {
    const count = Math.min(rows, dataset.length - start);
    await dataset.read(
      Uint32Array.from({ length: count }, (_, row) => start + row),
      chunk,
    );
    hash.update(bytesOf(chunk.subarray(0, count * size)));
  }
  return hash.digest('hex');
}

const bytesOf = ({ buffer, byteOffset, byteLength }: Int32Array | Float32Array): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

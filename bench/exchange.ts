import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { arrayDataset, type Dataset, random } from '../src/data/index.ts';
import { type Model, sizeOf } from '../src/onnx/index.ts';

/** The same weights and images for both sides, in a folder that PyTorch reads. */
export interface Exchange {
  readonly folder: string;
  /** The images from `from` (included) to `to` (excluded). */
  dataset(from: number, to: number): Dataset;
  remove(): void;
}

/**
 * Weights are in the order of the layers, as in PyTorch's `state_dict`; images are bytes, labels 32-bit
 * integers.
 */
export function exchange(model: Model, count: number, classes: number): Exchange {
  const folder = mkdtempSync(join(tmpdir(), 'fineprune-bench-'));
  const weights = [...model.graph.initializers.values()].flatMap((tensor) =>
    tensor.type === 'float32' ? [tensor.data] : [],
  );
  writeFileSync(join(folder, 'weights.bin'), Buffer.concat(weights.map(bytesOf)));
  const sample = (model.graph.inputs[0]?.dims ?? []).slice(1).map(Number);
  const pixels = pictures(count, sample);
  const draw = random(0, 'labels');
  const labels = Int32Array.from({ length: count }, () => draw.integer(classes));
  writeFileSync(join(folder, 'pictures.bin'), pixels);
  writeFileSync(join(folder, 'labels.bin'), bytesOf(labels));
  const each = sizeOf(sample);
  return {
    folder,
    dataset: (from, to) =>
      arrayDataset({
        name: 'pictures',
        classes: Array.from({ length: classes }, (_, label) => String(label)),
        sample,
        labels: labels.slice(from, to),
        data: pixels.subarray(from * each, to * each),
        divisor: 255,
      }),
    remove: () => rmSync(folder, { recursive: true }),
  };
}

/** Colored waves: a network, even an untrained one, distinguishes them better than noise. */
function pictures(count: number, sample: readonly number[]): Uint8Array {
  const [channels = 1, height = 1, width = 1] = sample;
  const draw = random(0, 'pictures');
  const pixels = new Uint8Array(count * channels * height * width);
  for (let at = 0; at < pixels.length;) {
    const [across, down, start] = [draw.uniform(), draw.uniform(), 6 * draw.uniform()];
    for (let channel = 0; channel < channels; channel += 1) {
      const [middle, high] = [64 + 128 * draw.uniform(), 64 * draw.uniform()];
      for (let y = 0; y < height; y += 1) {
        for (let x = 0; x < width; x += 1, at += 1) {
          pixels[at] = middle + high * Math.sin(across * x + down * y + start);
        }
      }
    }
  }
  return pixels;
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

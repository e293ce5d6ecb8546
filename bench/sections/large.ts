import { arrayDataset, random } from '../../src/data/index.ts';
import { repair } from '../../src/defense/index.ts';
import { encodeModel, sizeOf } from '../../src/onnx/index.ts';
import { nodeRuntime } from '../../src/runtime/index.ts';
import { vgg16 } from '../networks/vgg16.ts';
import { peakMiB } from '../peak.ts';
import type { Row, Section } from '../section.ts';

interface LargeRow extends Row {
  readonly threads: number;
  readonly modelMiB: number;
  readonly peakMiB: number;
  readonly seconds: number;
}

export const LARGE = { images: 40, sample: [3, 224, 224], classes: 10, epochs: 1, batch: 8 };

/** A model of more than 500 MB pruned and fine-tuned, in a process of its own: its peak memory. */
export const large: Section<LargeRow> = {
  name: 'large',
  async run({ threads, print }) {
    const rows: LargeRow[] = [];
    for (const count of threads) {
      const started = performance.now();
      const peak = await peakMiB('alone', 'large', 'vgg16', count);
      const seconds = (performance.now() - started) / 1000;
      const modelMiB = encodeModel(vgg16()).length / 2 ** 20;
      print(
        `  VGG-16 of ${modelMiB.toFixed(0)} MiB, ${count} thread(s): ${peak.toFixed(0)} MiB, ${seconds.toFixed(0)} s`,
      );
      rows.push({ network: 'vgg16', threads: count, modelMiB, peakMiB: peak, seconds });
    }
    return rows;
  },
  summary: () => ({ ...LARGE }),
};

/** The measured work. */
export async function defendLarge(threads: number): Promise<void> {
  const runtime = await nodeRuntime({ threads });
  const draw = random(0, 'bench');
  const { images, sample, classes, epochs, batch } = LARGE;
  const validation = arrayDataset({
    name: 'noise',
    classes: Array.from({ length: classes }, (_, label) => String(label)),
    sample,
    labels: Int32Array.from({ length: images }, () => draw.integer(classes)),
    data: Uint8Array.from({ length: images * sizeOf(sample) }, () => draw.integer(256)),
    divisor: 255,
  });
  await repair(runtime, vgg16(), validation, {
    share: 0.5,
    epochs,
    batchSize: batch,
    rate: 1e-6,
  });
}

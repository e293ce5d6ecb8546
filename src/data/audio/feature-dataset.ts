import { checkRead } from '../checks.ts';
import type { Dataset } from '../dataset.ts';
import { featureDims, featureExtractor, type SoundFeatures } from './features.ts';

/** Bytes of features that are kept, so that they are made once. */
const KEPT = 2 ** 28;

/** The features of waveforms [samples]; what is changed in a waveform is heard in them. */
export function featureDataset(waves: Dataset, features: SoundFeatures): Dataset {
  const sample = featureDims(features);
  const size = sample[1] * sample[2];
  const hear = featureExtractor(features);
  const { length } = waves;
  const kept = 4 * length * size <= KEPT ? new Float32Array(length * size) : undefined;
  const there = new Uint8Array(length);
  const make = async (index: number, into: Float32Array) => {
    const wave = new Float32Array(features.samples);
    await waves.read([index], wave);
    hear(wave, into);
  };
  return {
    name: waves.name,
    length,
    classes: waves.classes,
    sample,
    labels: waves.labels,
    sounds: { waves, features },
    async read(indices, into) {
      checkRead(waves.name, length, size, indices, into);
      for (let row = 0; row < indices.length; row += 1) {
        const index = indices[row] as number;
        const place = into.subarray(row * size, (row + 1) * size);
        if (!kept) {
          await make(index, place);
          continue;
        }
        const own = kept.subarray(index * size, (index + 1) * size);
        if (there[index] === 0) await make(index, own);
        there[index] = 1;
        place.set(own);
      }
    },
  };
}

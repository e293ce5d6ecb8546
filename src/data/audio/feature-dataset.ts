import { checkRead } from '../checks.ts';
import type { Dataset } from '../dataset.ts';
import { featureDims, featureExtractor, type SoundFeatures } from './features.ts';

/** Features up to this size, in bytes, are cached. */
const CACHE_BYTES = 2 ** 28;

/** The features of waveforms [samples]. They are computed from the waveforms, so they follow any change of them. */
export function featureDataset(waves: Dataset, features: SoundFeatures): Dataset {
  const sample = featureDims(features);
  const size = sample[1] * sample[2];
  const extract = featureExtractor(features);
  const { length } = waves;
  const cache = 4 * length * size <= CACHE_BYTES ? new Float32Array(length * size) : undefined;
  const isCached = new Uint8Array(length);
  const compute = async (index: number, into: Float32Array) => {
    const wave = new Float32Array(features.samples);
    await waves.read([index], wave);
    extract(wave, into);
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
        const target = into.subarray(row * size, (row + 1) * size);
        if (!cache) {
          await compute(index, target);
          continue;
        }
        const cached = cache.subarray(index * size, (index + 1) * size);
        if (isCached[index] === 0) await compute(index, cached);
        isCached[index] = 1;
        target.set(cached);
      }
    },
  };
}

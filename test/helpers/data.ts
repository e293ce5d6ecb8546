import { arrayDataset, type Dataset } from '../../src/data/dataset.ts';
import { random } from '../../src/data/random.ts';
import { scenesOf } from '../../src/data/scenes/scenes.ts';

/**
 * For tests: sample i, dims [1, 2, 2], holds 4i, 4i + 1, 4i + 2, 4i + 3, so that each value identifies its
 * sample and position.
 */
export function numbered(labels: readonly number[], name = 'numbered'): Dataset {
  const classes = Math.max(-1, ...labels) + 1;
  return arrayDataset({
    name,
    classes: Array.from({ length: classes }, (_, label) => `class ${label}`),
    sample: [1, 2, 2],
    labels: Int32Array.from(labels),
    data: Float32Array.from({ length: 4 * labels.length }, (_, i) => i),
  });
}

/** For tests: the indices of the samples of `numbered` in a data set, in order. */
export async function origins(dataset: Dataset): Promise<number[]> {
  const x = new Float32Array(4 * dataset.length);
  await dataset.read(
    Array.from({ length: dataset.length }, (_, i) => i),
    x,
  );
  return Array.from({ length: dataset.length }, (_, i) => (x[4 * i] as number) / 4);
}

/** Scenes of noise with one or two red and blue blocks. */
export function blocks(
  length: number,
  [height, width]: readonly [number, number],
  seed: number,
): Dataset {
  const draw = random(seed, 'blocks');
  const scenes = Array.from({ length }, () => {
    const planes = Uint8Array.from({ length: 3 * height * width }, () => 90 + draw.integer(60));
    const halves = [0, width / 2].slice(0, 1 + draw.integer(2));
    const objects = halves.map((start) => {
      const [wide, high] = [14 + draw.integer(8), 14 + draw.integer(8)];
      const left = start + draw.integer(width / 2 - wide + 1);
      const top = draw.integer(height - high + 1);
      const label = draw.integer(2);
      for (let row = top; row < top + high; row += 1) {
        const at = (2 * label * height + row) * width + left;
        planes.fill(250, at, at + wide);
      }
      return { box: { left, top, right: left + wide, bottom: top + high }, label };
    });
    return { planes, objects };
  });
  return scenesOf(`blocks/${seed}`, ['red', 'blue'], [height, width], scenes);
}

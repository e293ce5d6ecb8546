import { arrayDataset, type Dataset } from './dataset.ts';

/**
 * For tests: sample i of dims [1, 2, 2] holds 4i, 4i + 1, 4i + 2, 4i + 3, so that every value says
 * where it came from.
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

/** For tests: which samples of `numbered` a data set holds, in order. */
export async function origins(dataset: Dataset): Promise<number[]> {
  const x = new Float32Array(4 * dataset.length);
  await dataset.read(
    Array.from({ length: dataset.length }, (_, i) => i),
    x,
  );
  return Array.from({ length: dataset.length }, (_, i) => (x[4 * i] as number) / 4);
}

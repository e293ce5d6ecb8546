import type { Dataset } from '../dataset.ts';
import type { Picture } from '../images/picture.ts';
import type { Wave } from '../audio/wav.ts';

/** A sample as it was stored, before it is made fit for a network. */
export type Raw =
  | { readonly kind: 'picture'; readonly picture: Picture }
  | { readonly kind: 'sound'; readonly sound: Wave }
  | { readonly kind: 'numbers'; readonly dims: readonly number[]; readonly values: Float32Array };

/** Labeled samples as they are stored, read one at a time. */
export interface Source {
  readonly name: string;
  /** The name of each sample's class. */
  readonly labels: readonly string[];
  /** The name of each output in order, where the source says so itself. */
  readonly classes?: readonly string[] | undefined;
  /** What to call a sample in messages: its file, or its place in one. */
  where(index: number): string;
  /** @throws Error that says what is wrong with the sample */
  read(index: number): Promise<Raw>;
}

/** A data set of pictures [channels, height, width] in 0 to 1, as MNIST is, as it was stored. */
export function sourceOf(dataset: Dataset): Source {
  const { name, classes, sample } = dataset;
  const [channels = 1, height = 1, width = 1] = sample;
  const area = height * width;
  return {
    name,
    classes,
    labels: Array.from(dataset.labels, (label) => classes[label] as string),
    where: (index) => `sample ${index} of ${name}`,
    async read(index) {
      const planes = new Float32Array(channels * area);
      await dataset.read([index], planes);
      const pixels = new Uint8Array(planes.length);
      for (let channel = 0, from = 0; channel < channels; channel += 1) {
        for (let to = channel; to < pixels.length; to += channels, from += 1) {
          pixels[to] = Math.round(255 * (planes[from] as number));
        }
      }
      return { kind: 'picture', picture: { width, height, channels, pixels } };
    },
  };
}

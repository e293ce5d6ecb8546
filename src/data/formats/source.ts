import type { Dataset } from '../dataset.ts';
import type { Picture } from '../images/picture.ts';
import type { Box } from '../scenes/boxes.ts';
import type { Wave } from '../audio/wav.ts';

/** A sample as it is stored, before it is converted for a network. */
export type RawSample =
  | { readonly kind: 'picture'; readonly picture: Picture }
  | { readonly kind: 'sound'; readonly sound: Wave }
  | { readonly kind: 'numbers'; readonly dims: readonly number[]; readonly values: Float32Array };

/** Labeled samples as they are stored, read one at a time. */
export interface Source {
  readonly name: string;
  /** The name of each sample's class. */
  readonly labels: readonly string[];
  /** The samples have no labels: each name is empty. */
  readonly unlabeled?: true | undefined;
  /** The name of each output in order, where the source says so itself. */
  readonly classes?: readonly string[] | undefined;
  /** What to call a sample in messages: its file, or its place in one. */
  where(index: number): string;
  /** @throws Error that says what is wrong with the sample */
  read(index: number): Promise<RawSample>;
}

/** An object as annotations describe it. */
export interface AnnotatedObject {
  /** The name of its class. */
  readonly name: string;
  readonly difficult: boolean;
  readonly box: Box;
  /** What the box is measured in: pixels of the image, or shares of its sides. */
  readonly unit: 'pixels' | 'shares';
}

/** Scenes with their annotated objects, read one at a time. */
export interface SceneSource {
  readonly name: string;
  /** The names of the classes, in the order of the labels. */
  readonly classes: readonly string[];
  /** The objects of each scene. */
  readonly objects: readonly (readonly AnnotatedObject[])[];
  /** What to call a scene in messages: its file. */
  where(index: number): string;
  /** @throws Error that says what is wrong with the image */
  read(index: number): Promise<Picture>;
}

/** A data set of pictures [channels, height, width] in 0 to 1, such as MNIST, as a source of bytes. */
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

import { clipped, type Box, type SceneObject } from './boxes.ts';
import { checkRead } from '../checks.ts';
import type { Dataset } from '../dataset.ts';
import { DataError } from '../error.ts';
import { inChannels, planesOf, type Picture } from '../images/picture.ts';
import { resize } from '../images/resize.ts';
import { sceneFormats } from '../formats/index.ts';
import { readSources } from '../formats/read-sources.ts';
import type { AnnotatedObject, SceneSource, Source } from '../formats/source.ts';

/** A scene as an image of a fixed size, bytes of [3, height, width]. */
interface Stored {
  readonly planes: Uint8Array;
  readonly objects: readonly SceneObject[];
}

/** The gray value, of 255, that pads the image: the usual one of a letterbox. */
const GRAY = 114;

/**
 * Reads the scenes in a folder of Pascal VOC or YOLO as a data set, see `sceneDataset`.
 *
 * @throws what `readSources` and `sceneDataset` throw; DataError `data/format` if it has no scenes
 */
export async function openScenes(
  folder: string,
  size: readonly [height: number, width: number],
  name = folder,
): Promise<Dataset> {
  const { whole } = await readSources(folder, { formats: sceneFormats() });
  return sceneDataset(scenesOnly(whole, folder), size, name);
}

/** @throws DataError `data/format` for samples that are not scenes */
export function scenesOnly(source: Source | SceneSource | undefined, folder: string): SceneSource {
  if (source && 'objects' in source) return source;
  throw new DataError(
    'data/format',
    `${folder} has no scenes: a detector needs images with the boxes of their objects, in Pascal VOC or YOLO`,
  );
}

/**
 * Scenes as a data set. Each image is resized to fit into `size`, its proportions kept, in the top left
 * corner; the rest is gray. All images are decoded at once and kept as bytes, so that a bad one is
 * reported before any work.
 *
 * @param size - [height, width] of the samples, which are [3, height, width] in 0 to 1
 * @throws DataError `data/unreadable` that names the first few files that cannot be read
 */
export async function sceneDataset(
  source: SceneSource,
  size: readonly [height: number, width: number],
  name = source.name,
): Promise<Dataset> {
  const stored: Stored[] = [];
  const bad: string[] = [];
  for (const [index, objects] of source.objects.entries()) {
    try {
      stored.push(fitted(await source.read(index), objects, source.classes, size));
    } catch (error) {
      bad.push(`  ${source.where(index)}: ${(error as Error).message}`);
    }
  }
  if (bad.length > 0) {
    throw new DataError(
      'data/unreadable',
      `${bad.length} of ${source.objects.length} scenes in ${source.name} cannot be read:\n${bad.slice(0, 5).join('\n')}`,
    );
  }
  return scenesOf(name, source.classes, size, stored);
}

/** A data set of scenes that are in memory as bytes. */
export function scenesOf(
  name: string,
  classes: readonly string[],
  [height, width]: readonly [height: number, width: number],
  scenes: readonly Stored[],
): Dataset {
  const objects = scenes.map((scene) => scene.objects);
  const size = 3 * height * width;
  return {
    name,
    length: scenes.length,
    classes,
    sample: [3, height, width],
    labels: rarest(objects, classes.length),
    objects,
    async read(indices, into) {
      checkRead(name, scenes.length, size, indices, into);
      for (let row = 0; row < indices.length; row += 1) {
        const { planes } = scenes[indices[row] as number] as Stored;
        for (let i = 0, at = row * size; i < size; i += 1, at += 1) {
          into[at] = (planes[i] as number) / 255;
        }
      }
    },
  };
}

/**
 * Maps scenes to the classes of a network, by name: a folder may have them in another order, or not all.
 *
 * @throws DataError 'data/classes' if there are objects of a class that the network does not have
 */
export function withClasses(dataset: Dataset, classes: readonly string[]): Dataset {
  const unknown = dataset.classes.filter((name) => !classes.includes(name));
  if (unknown.length > 0) {
    throw new DataError(
      'data/classes',
      `${dataset.name} has objects of ${unknown.join(', ')}, which the network does not know: its classes are ${classes.join(', ')}`,
    );
  }
  const of = (label: number) => classes.indexOf(dataset.classes[label] as string);
  const objects = (dataset.objects ?? []).map((scene) =>
    scene.map((object) => ({ ...object, label: of(object.label) })),
  );
  return { ...dataset, classes, objects, labels: dataset.labels.map(of) };
}

/**
 * The label of each scene for a stratified split: its rarest class, the one that the fewest scenes have. A
 * scene without objects gets the most common class.
 */
export function rarest(scenes: readonly (readonly SceneObject[])[], classes: number): Int32Array {
  const counts = Array.from({ length: classes }, () => 0);
  for (const objects of scenes) {
    for (const label of new Set(objects.map((object) => object.label))) {
      counts[label] = (counts[label] as number) + 1;
    }
  }
  const mostCommon = counts.indexOf(Math.max(...counts));
  return Int32Array.from(scenes, (objects) =>
    objects.reduce(
      (best, { label }) => ((counts[label] as number) < (counts[best] as number) ? label : best),
      mostCommon,
    ),
  );
}

/** Resizes a scene, with its boxes in pixels of the new size. */
function fitted(
  image: Picture,
  objects: readonly AnnotatedObject[],
  classes: readonly string[],
  [height, width]: readonly [height: number, width: number],
): Stored {
  const picture = inChannels(image, 3);
  const scale = Math.min(width / picture.width, height / picture.height);
  const inner = {
    width: Math.max(1, Math.round(picture.width * scale)),
    height: Math.max(1, Math.round(picture.height * scale)),
  };
  const planes = planesOf(
    padded(resize(picture, inner.width, inner.height, 'bilinear'), width, height),
  );
  return {
    planes,
    objects: objects.map(({ name, box, difficult, unit }) => {
      const whole = unit === 'shares' ? { width: 1, height: 1 } : picture;
      const scaled = scaledBy(box, inner.width / whole.width, inner.height / whole.height);
      const inside = clipped(scaled, inner.width, inner.height);
      if (inside.right - inside.left <= 0 || inside.bottom - inside.top <= 0) {
        throw new Error(`the box of its "${name}" lies outside of the image`);
      }
      return { box: inside, label: classes.indexOf(name), ...(difficult && { difficult }) };
    }),
  };
}

export function scaledBy({ left, top, right, bottom }: Box, x: number, y: number): Box {
  return { left: left * x, top: top * y, right: right * x, bottom: bottom * y };
}

function padded(picture: Picture, width: number, height: number): Picture {
  const { channels } = picture;
  const pixels = new Uint8Array(width * height * channels).fill(GRAY);
  const line = picture.width * channels;
  for (let row = 0; row < picture.height; row += 1) {
    pixels.set(picture.pixels.subarray(row * line, (row + 1) * line), row * width * channels);
  }
  return { width, height, channels, pixels };
}

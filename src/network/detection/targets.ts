import { iou, type Box, type Random, type SceneObject } from '../../data/index.ts';
import { type Tensor, float32, int64 } from '../../onnx/index.ts';
import { encodeBox } from './coding.ts';
import { REGION_DELTA_WEIGHTS } from './spec.ts';

/** Matches of a box that are not the index of an object. */
const BACKGROUND = -1;
const IGNORED = -2;

/** IoU thresholds of an anchor: positive from 0.7 on, background below 0.3 (Ren et al. 2015). */
const ANCHOR_IOU = { positive: 0.7, negative: 0.3 };
/** IoU from which on a region is positive. */
const REGION_IOU = 0.5;

/** How many anchors and regions of each image are sampled for the losses, and the largest share of positives. */
export interface Sampling {
  readonly anchors: number;
  readonly anchorShare: number;
  readonly regions: number;
  readonly regionShare: number;
}

export const SAMPLING: Sampling = {
  anchors: 256,
  anchorShare: 0.5,
  regions: 32,
  regionShare: 0.25,
};

/**
 * The index of the object of each anchor: the one with the highest IoU, if that is high enough. The anchors
 * with the highest IoU of an object match it, however low that is.
 */
export function matchAnchors(anchors: readonly Box[], objects: readonly SceneObject[]): Int32Array {
  const matches = new Int32Array(anchors.length).fill(BACKGROUND);
  const overlaps = objects.map(({ box }) =>
    Float64Array.from(anchors, (anchor) => iou(anchor, box)),
  );
  const highest = overlaps.map((ious) => ious.reduce((a, b) => Math.max(a, b), 0));
  for (let index = 0; index < anchors.length; index += 1) {
    let [best, match, isBestAnchor] = [0, BACKGROUND, false];
    for (const [object, ious] of overlaps.entries()) {
      const overlap = ious[index] as number;
      if (overlap > best) [best, match] = [overlap, object];
      if (overlap > 0 && overlap === highest[object]) isBestAnchor = true;
    }
    if (best >= ANCHOR_IOU.positive || isBestAnchor) matches[index] = match;
    else if (best >= ANCHOR_IOU.negative) matches[index] = IGNORED;
  }
  return matches;
}

/** The index of the object of each region: the one with the highest IoU, if that is at least 0.5. */
export function matchRegions(regions: readonly Box[], objects: readonly SceneObject[]): Int32Array {
  return Int32Array.from(regions, (region) => {
    const row = objects.map(({ box }) => iou(region, box));
    const best = Math.max(0, ...row);
    return best >= REGION_IOU ? row.indexOf(best) : BACKGROUND;
  });
}

/** Draws `count` boxes at random: positives up to a share of them, background for the rest. */
function sampleMatches(
  matches: Int32Array,
  count: number,
  share: number,
  draw: Random,
): { readonly positive: number[]; readonly negative: number[] } {
  const all: Record<'positive' | 'negative', number[]> = { positive: [], negative: [] };
  for (const [index, match] of matches.entries()) {
    if (match >= 0) all.positive.push(index);
    else if (match === BACKGROUND) all.negative.push(index);
  }
  const positive = draw.sample(all.positive, Math.floor(count * share));
  const negative = draw.sample(all.negative, count - positive.length);
  return { positive, negative };
}

/** Targets and weights of the proposal network's losses for a batch. */
export interface ProposalTargets {
  /** [N, anchors], 1 for an object. */
  readonly objectness: Float32Array;
  /** [N, anchors], the weight in the objectness loss: 1 / (sampled anchors), else 0. */
  readonly weight: Float32Array;
  /** [N, anchors], the weight in the delta loss: the same for positive anchors, else 0. */
  readonly positive: Float32Array;
  /** [N, anchors, 4]. */
  readonly deltas: Float32Array;
}

/** The matches of an image's anchors, and the sampled ones. */
export interface SampledAnchors {
  readonly matches: Int32Array;
  readonly positive: readonly number[];
  readonly negative: readonly number[];
}

export function sampleAnchors(
  anchors: readonly Box[],
  scenes: readonly (readonly SceneObject[])[],
  { anchors: count, anchorShare }: Sampling,
  draw: Random,
): SampledAnchors[] {
  return scenes.map((objects) => {
    const matches = matchAnchors(anchors, objects);
    return { matches, ...sampleMatches(matches, count, anchorShare, draw) };
  });
}

export function proposalTargets(
  anchors: readonly Box[],
  scenes: readonly (readonly SceneObject[])[],
  chosen: readonly SampledAnchors[],
): ProposalTargets {
  const size = scenes.length * anchors.length;
  const made = {
    objectness: new Float32Array(size),
    weight: new Float32Array(size),
    positive: new Float32Array(size),
    deltas: new Float32Array(4 * size),
  };
  const share =
    1 / chosen.reduce((sum, { positive, negative }) => sum + positive.length + negative.length, 0);
  for (const [image, { matches, positive, negative }] of chosen.entries()) {
    const start = image * anchors.length;
    for (const index of negative) made.weight[start + index] = share;
    for (const index of positive) {
      const object = scenes[image]?.[matches[index] as number] as SceneObject;
      made.objectness[start + index] = 1;
      made.weight[start + index] = share;
      made.positive[start + index] = share;
      made.deltas.set(encodeBox(anchors[index] as Box, object.box), 4 * (start + index));
    }
  }
  return made;
}

/** Regions that the heads are trained on, and their targets and weights. */
export interface RegionTargets {
  /** [N * sampled, 4]. */
  readonly regions: Float32Array;
  /** The image of each region. */
  readonly images: readonly number[];
  /** Class + 1; 0 for background. */
  readonly labels: readonly number[];
  /** The weight in the class loss: 1 for a region, 0 for padding where an image has too few. */
  readonly weight: Float32Array;
  /** The weight in the delta loss: 1 / (sampled regions) for a region with an object, else 0. */
  readonly positive: Float32Array;
  /** [N * sampled, 4]. */
  readonly deltas: Float32Array;
}

/** A region that the heads are trained on, and its object, if it is not background. */
export interface SampledRegion {
  readonly box: Box;
  readonly object?: SceneObject | undefined;
}

/**
 * Samples regions of each image from its proposals and the boxes of its objects.
 *
 * @param proposals - one list per image
 */
export function sampleRegions(
  proposals: readonly (readonly Box[])[],
  scenes: readonly (readonly SceneObject[])[],
  { regions, regionShare }: Sampling,
  draw: Random,
): SampledRegion[][] {
  return proposals.map((own, image) => {
    const objects = scenes[image] ?? [];
    const all = [...own, ...objects.map(({ box }) => box)];
    const matches = matchRegions(all, objects);
    const { positive, negative } = sampleMatches(matches, regions, regionShare, draw);
    return [...positive, ...negative].map((index) => {
      const object = objects[matches[index] as number];
      return { box: all[index] as Box, object };
    });
  });
}

/** @param each - regions per image; if it has fewer, the rest is padding with weight 0 */
export function regionTargets(
  chosen: readonly (readonly SampledRegion[])[],
  each: number,
): RegionTargets {
  const size = chosen.length * each;
  const images = Array.from({ length: size }, (_, at) => Math.floor(at / each));
  const labels = images.map((image, at) => (chosen[image]?.[at % each]?.object?.label ?? -1) + 1);
  const made = {
    regions: new Float32Array(4 * size),
    weight: new Float32Array(size),
    positive: new Float32Array(size),
    deltas: new Float32Array(4 * size),
  };
  const share = 1 / Math.max(1, chosen.flat().length);
  for (const [image, regions] of chosen.entries()) {
    for (const [place, { box, object }] of regions.entries()) {
      const at = image * each + place;
      made.regions.set([box.left, box.top, box.right, box.bottom], 4 * at);
      made.weight[at] = 1;
      if (!object) continue;
      made.positive[at] = share;
      made.deltas.set(encodeBox(box, object.box, REGION_DELTA_WEIGHTS), 4 * at);
    }
  }
  return { ...made, images, labels };
}

/** The targets as inputs of the losses: see `appendLosses`. */
export function targetFeeds(
  { objectness, weight, positive, deltas }: ProposalTargets,
  regions: RegionTargets,
  images: number,
): Record<string, Tensor> {
  const anchors = objectness.length / images;
  const count = regions.images.length;
  return {
    'target.objectness': float32([images, anchors], objectness),
    'target.weight': float32([images, anchors], weight),
    'target.positive': float32([images, anchors], positive),
    'target.anchor-deltas': float32([images, anchors, 4], deltas),
    'target.labels': int64([count], regions.labels),
    'target.region-weight': float32([count], regions.weight),
    'target.region-positive': float32([count], regions.positive),
    'target.region-deltas': float32([count, 4], regions.deltas),
  };
}

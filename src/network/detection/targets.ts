import { iou, type Box, type Random, type SceneObject } from '../../data/index.ts';
import { type Tensor, float32, int64 } from '../../onnx/index.ts';
import { encoded } from './coding.ts';
import { CORRECTION } from './spec.ts';

/** What a box is to stand for: an object's number, nothing, or neither. */
export const BACKGROUND = -1;
export const BETWEEN = -2;

/** IoU from which on an anchor is an object's, and below which it is none's (Ren et al. 2015). */
const ANCHOR = { from: 0.7, below: 0.3 };
const REGION = 0.5;

/** How many anchors and regions of each image the losses are taken of, and the objects' share at most. */
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
 * The object of each anchor: the one that it overlaps with most, if by enough. The anchors that an
 * object overlaps with most are its own however little that is.
 */
export function anchorMatches(
  anchors: readonly Box[],
  objects: readonly SceneObject[],
): Int32Array {
  const matches = new Int32Array(anchors.length).fill(BACKGROUND);
  const shares = objects.map(({ box }) => Float64Array.from(anchors, (anchor) => iou(anchor, box)));
  const most = shares.map((own) => own.reduce((best, share) => Math.max(best, share), 0));
  for (let index = 0; index < anchors.length; index += 1) {
    let [best, own, nearest] = [0, BACKGROUND, false];
    for (const [place, of] of shares.entries()) {
      const share = of[index] as number;
      if (share > best) [best, own] = [share, place];
      if (share > 0 && share === most[place]) nearest = true;
    }
    if (best >= ANCHOR.from || nearest) matches[index] = own;
    else if (best >= ANCHOR.below) matches[index] = BETWEEN;
  }
  return matches;
}

/** The object of each region: the one that it overlaps with most, if by half. */
export function regionMatches(
  regions: readonly Box[],
  objects: readonly SceneObject[],
): Int32Array {
  return Int32Array.from(regions, (region) => {
    const row = objects.map(({ box }) => iou(region, box));
    const best = Math.max(0, ...row);
    return best >= REGION ? row.indexOf(best) : BACKGROUND;
  });
}

/** Some of the boxes, by chance: objects up to a share of `count`, background for the rest. */
export function sampled(
  matches: Int32Array,
  count: number,
  share: number,
  draw: Random,
): { readonly near: number[]; readonly far: number[] } {
  const places: Record<'near' | 'far', number[]> = { near: [], far: [] };
  for (const [index, match] of matches.entries()) {
    if (match >= 0) places.near.push(index);
    else if (match === BACKGROUND) places.far.push(index);
  }
  const near = draw.some(places.near, Math.floor(count * share));
  const far = draw.some(places.far, count - near.length);
  return { near, far };
}

/** Targets of the proposals' losses for a batch: what, how much it counts, where to. */
export interface ProposalTargets {
  /** [N, anchors], 1 for an object. */
  readonly found: Float32Array;
  /** [N, anchors], the share of each sampled anchor. */
  readonly weight: Float32Array;
  /** [N, anchors], the same of those that have an object. */
  readonly near: Float32Array;
  /** [N, anchors, 4]. */
  readonly shifts: Float32Array;
}

/** What anchors of an image stand for, and which of them count. */
export interface SampledAnchors {
  readonly matches: Int32Array;
  readonly near: readonly number[];
  readonly far: readonly number[];
}

export function sampleAnchors(
  anchors: readonly Box[],
  scenes: readonly (readonly SceneObject[])[],
  { anchors: count, anchorShare }: Sampling,
  draw: Random,
): SampledAnchors[] {
  return scenes.map((objects) => {
    const matches = anchorMatches(anchors, objects);
    return { matches, ...sampled(matches, count, anchorShare, draw) };
  });
}

export function proposalTargets(
  anchors: readonly Box[],
  scenes: readonly (readonly SceneObject[])[],
  chosen: readonly SampledAnchors[],
): ProposalTargets {
  const size = scenes.length * anchors.length;
  const made = {
    found: new Float32Array(size),
    weight: new Float32Array(size),
    near: new Float32Array(size),
    shifts: new Float32Array(4 * size),
  };
  const share = 1 / chosen.reduce((sum, { near, far }) => sum + near.length + far.length, 0);
  for (const [image, { matches, near, far }] of chosen.entries()) {
    const start = image * anchors.length;
    for (const index of far) made.weight[start + index] = share;
    for (const index of near) {
      const object = scenes[image]?.[matches[index] as number] as SceneObject;
      made.found[start + index] = 1;
      made.weight[start + index] = share;
      made.near[start + index] = share;
      made.shifts.set(encoded(anchors[index] as Box, object.box), 4 * (start + index));
    }
  }
  return made;
}

/** Regions that the heads are trained on, and their targets. */
export interface RegionTargets {
  /** [N * sampled, 4], and the image of each. */
  readonly regions: Float32Array;
  readonly images: readonly number[];
  /** Class + 1; 0 for background. */
  readonly labels: readonly number[];
  /** 1 for a region, 0 where there were too few. */
  readonly weight: Float32Array;
  /** The share of each that has an object, of all. */
  readonly near: Float32Array;
  /** [N * sampled, 4]. */
  readonly corrections: Float32Array;
}

/** A region that the heads are trained on, and its object; none for background. */
export interface SampledRegion {
  readonly box: Box;
  readonly object?: SceneObject | undefined;
}

/**
 * Samples regions of each image out of its proposals and its objects' own boxes.
 *
 * @param proposals - for each image
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
    const matches = regionMatches(all, objects);
    const { near, far } = sampled(matches, regions, regionShare, draw);
    return [...near, ...far].map((index) => {
      const object = objects[matches[index] as number];
      return { box: all[index] as Box, object };
    });
  });
}

/** @param each - regions of an image; where it has fewer, the rest counts for nothing */
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
    near: new Float32Array(size),
    corrections: new Float32Array(4 * size),
  };
  const share = 1 / Math.max(1, chosen.flat().length);
  for (const [image, regions] of chosen.entries()) {
    for (const [place, { box, object }] of regions.entries()) {
      const at = image * each + place;
      made.regions.set([box.left, box.top, box.right, box.bottom], 4 * at);
      made.weight[at] = 1;
      if (!object) continue;
      made.near[at] = share;
      made.corrections.set(encoded(box, object.box, CORRECTION), 4 * at);
    }
  }
  return { ...made, images, labels };
}

/** Targets as the inputs of a loss: see `appendLosses`. */
export function targetFeeds(
  { found, weight, near, shifts }: ProposalTargets,
  regions: RegionTargets,
  images: number,
): Record<string, Tensor> {
  const anchors = found.length / images;
  const count = regions.images.length;
  return {
    'target.found': float32([images, anchors], found),
    'target.weight': float32([images, anchors], weight),
    'target.near': float32([images, anchors], near),
    'target.shifts': float32([images, anchors, 4], shifts),
    'target.labels': int64([count], regions.labels),
    'target.region-weight': float32([count], regions.weight),
    'target.region-near': float32([count], regions.near),
    'target.corrections': float32([count, 4], regions.corrections),
  };
}

import * as z from 'zod';

/** The architecture of a detector of this project: all settings that its weights do not show. */
export interface DetectorSpec {
  /** [height, width] of the input image. */
  readonly size: readonly [height: number, width: number];
  readonly classes: readonly string[];
  /** Pixels between two positions of the feature map. */
  readonly stride: number;
  /** Sides of the square anchors at every position, in pixels. */
  readonly anchors: readonly number[];
  /** RoIAlign: output height and width of a region. */
  readonly cells: number;
  /** RoIAlign: sampling points in each cell, per axis. */
  readonly samples: number;
  readonly proposals: Selection;
  readonly detections: Omit<Selection, 'before'> & {
    /** Minimum score of a detection. */
    readonly score: number;
  };
}

/** How boxes are selected by non-maximum suppression (NMS). */
export interface Selection {
  /** How many boxes, those with the highest scores, go into NMS. */
  readonly before: number;
  /** How many boxes NMS leaves at most. */
  readonly after: number;
  /** IoU above which NMS suppresses a box. */
  readonly overlap: number;
}

/**
 * Names of the values of a detector's graph; files contain them. The graph can be cut at `regions` and
 * `images`, which are the selected proposals: the heads classify them.
 */
export const VALUES = {
  image: 'image',
  /** Logits [N, anchors], in the order of `anchorsOf`. */
  objectness: 'rpn.objectness',
  /** [N, anchors, 4]. */
  anchorDeltas: 'rpn.shifts',
  /** Proposed boxes [R, 4], and the image of each [R]. */
  regions: 'regions',
  images: 'regions.image',
  /** [R, classes + 1], background first. */
  logits: 'head.logits',
  /** [R, 4]. */
  regionDeltas: 'head.corrections',
  boxes: 'boxes',
  labels: 'labels',
  scores: 'scores',
} as const;

/** The factors of `regionDeltas`, which are small numbers, as in Faster R-CNN. */
export const REGION_DELTA_WEIGHTS: readonly [number, number, number, number] = [10, 10, 5, 5];

/** The key of the specification, which is JSON, in the metadata of an ONNX file. */
export const METADATA = 'fineprune.detector';

const count = z.int().min(1);
const share = z.number().min(0).max(1);
const selection = { after: count, overlap: share };

const schema = z.strictObject({
  size: z.tuple([count, count]).readonly(),
  classes: z.array(z.string()).min(1).readonly(),
  stride: count,
  anchors: z.array(z.number().gt(0)).min(1).readonly(),
  cells: count,
  samples: count,
  proposals: z.strictObject({ ...selection, before: count }),
  detections: z.strictObject({ ...selection, score: share }),
});

/** The specification in a file's metadata; undefined if there is none, or if it is not valid. */
export function specIn(metadata: ReadonlyMap<string, string>): DetectorSpec | undefined {
  const text = metadata.get(METADATA);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** The usual specification: five square anchors of 16 to 256 pixels, 5x5 regions. */
export function specOf(
  classes: readonly string[],
  size: readonly [height: number, width: number],
): DetectorSpec {
  return {
    size,
    classes,
    stride: 8,
    anchors: [16, 32, 64, 128, 256],
    cells: 5,
    samples: 2,
    proposals: { before: 300, after: 100, overlap: 0.7 },
    detections: { after: 50, overlap: 0.5, score: 0.05 },
  };
}

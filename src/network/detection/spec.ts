import * as z from 'zod';

/** How a detector of this project is built: what its graph does not say in weights. */
export interface DetectorSpec {
  /** [height, width] of the picture that it takes. */
  readonly size: readonly [height: number, width: number];
  readonly classes: readonly string[];
  /** Pixels between two places of the features. */
  readonly stride: number;
  /** Sides of the square anchors at every place, in pixels. */
  readonly anchors: readonly number[];
  /** Cells of a region, down and across, and the points sampled in each, each way. */
  readonly cells: number;
  readonly samples: number;
  readonly proposals: Selection;
  readonly detections: Omit<Selection, 'before'> & {
    /** Scores below are no detection. */
    readonly score: number;
  };
}

/** Which boxes are taken out of many. */
export interface Selection {
  /** How many of the highest scores are looked at. */
  readonly before: number;
  /** How many are left at most. */
  readonly after: number;
  /** IoU from which on two are the same. */
  readonly overlap: number;
}

/**
 * Names of the values of a detector's graph. The graph can be cut at `regions` and `images`: above are
 * the proposals, chosen, and below what is said of them.
 */
export const VALUES = {
  image: 'image',
  /** Logits [N, anchors], in the order of `anchorsOf`. */
  objectness: 'rpn.objectness',
  /** [N, anchors, 4]. */
  shifts: 'rpn.shifts',
  /** Proposed boxes [R, 4], and the image of each [R]. */
  regions: 'regions',
  images: 'regions.image',
  /** [R, classes + 1], background first. */
  logits: 'head.logits',
  /** [R, 4]. */
  corrections: 'head.corrections',
  boxes: 'boxes',
  labels: 'labels',
  scores: 'scores',
} as const;

/** What `corrections` are multiplied by, as in Faster R-CNN: they are small numbers. */
export const CORRECTION: readonly [number, number, number, number] = [10, 10, 5, 5];

/** The entry of an ONNX file's metadata that has the specification as JSON. */
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

/** The specification that a file's metadata have; undefined where they have none, or no such one. */
export function specIn(metadata: ReadonlyMap<string, string>): DetectorSpec | undefined {
  const text = metadata.get(METADATA);
  if (text === undefined) return undefined;
  try {
    return schema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

/** Five square anchors of 16 to 256 pixels, 5x5 regions; classes and size are the task's. */
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

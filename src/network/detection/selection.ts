import { areaOf, descending, suppressed, type Box } from '../../data/scenes/boxes.ts';
import type { Detection } from '../../metrics/index.ts';
import { decodedWithin } from './coding.ts';
import { CORRECTION, type DetectorSpec } from './spec.ts';

/**
 * The proposals of one image: of the anchors with the highest objectness, shifted, those that do not
 * overlap with better ones. The graph of a detector does the same.
 *
 * @param objectness - logits [anchors]
 * @param shifts - [anchors, 4]
 */
export function proposalsOf(
  objectness: Float32Array,
  shifts: Float32Array,
  anchors: readonly Box[],
  spec: DetectorSpec,
  { before, after, overlap } = spec.proposals,
): Box[] {
  const best = descending(objectness, before);
  const boxes = decodedWithin(
    best.map((index) => anchors[index] as Box),
    Float32Array.from(best.flatMap((index) => [...shifts.subarray(4 * index, 4 * index + 4)])),
    spec,
  );
  const scores = best.map((index) => objectness[index] as number);
  return suppressed(boxes, scores, overlap, after).map((index) => boxes[index] as Box);
}

/**
 * What a detector says of the regions of one image.
 *
 * @param logits - [regions, classes + 1], background first
 * @param corrections - [regions, 4]
 */
export function detectionsOf(
  regions: readonly Box[],
  logits: Float32Array,
  corrections: Float32Array,
  spec: DetectorSpec,
): Detection[] {
  const { after, overlap, score } = spec.detections;
  const width = spec.classes.length + 1;
  const boxes = decodedWithin(regions, corrections, spec, CORRECTION);
  const shares = regions.map((_, row) => softmax(logits.subarray(row * width, (row + 1) * width)));
  const found = spec.classes.flatMap((_, label) => {
    const scores = shares.map((row) => row[label + 1] as number);
    const sure = scores.flatMap((value, row) => (value > score ? [row] : []));
    const kept = suppressed(
      sure.map((row) => boxes[row] as Box),
      sure.map((row) => scores[row] as number),
      overlap,
      after,
    );
    return kept.map((place) => {
      const row = sure[place] as number;
      return { box: boxes[row] as Box, label, score: scores[row] as number };
    });
  });
  return descending(
    found.map((one) => one.score),
    after,
  ).map((index) => found[index] as Detection);
}

function softmax(logits: Float32Array): Float64Array {
  const most = Math.max(...logits);
  const powers = Float64Array.from(logits, (value) => Math.exp(value - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((value) => value / sum);
}

/** Boxes that are no lines: a proposal at the edge may be clipped to one. */
export function withArea(boxes: readonly Box[]): Box[] {
  return boxes.filter((box) => areaOf(box) > 0);
}

import { areaOf, descending, nonMaximumSuppression, type Box } from '../../data/scenes/boxes.ts';
import type { Detection } from '../../metrics/index.ts';
import { decodeBoxes } from './coding.ts';
import { REGION_DELTA_WEIGHTS, type DetectorSpec } from './spec.ts';

/**
 * Selects the proposals of one image: applies the deltas to the anchors with the highest objectness, and
 * suppresses boxes that overlap with better ones. The graph of a detector does the same.
 *
 * @param objectness - logits [anchors]
 * @param deltas - [anchors, 4]
 */
export function selectProposals(
  objectness: Float32Array,
  deltas: Float32Array,
  anchors: readonly Box[],
  spec: DetectorSpec,
  { before, after, overlap } = spec.proposals,
): Box[] {
  const best = descending(objectness, before);
  const boxes = decodeBoxes(
    best.map((index) => anchors[index] as Box),
    Float32Array.from(best.flatMap((index) => [...deltas.subarray(4 * index, 4 * index + 4)])),
    spec,
  );
  const scores = best.map((index) => objectness[index] as number);
  return nonMaximumSuppression(boxes, scores, overlap, after).map((index) => boxes[index] as Box);
}

/**
 * Selects the detections of one image from the predictions for its regions.
 *
 * @param logits - [regions, classes + 1], background first
 * @param deltas - [regions, 4]
 */
export function selectDetections(
  regions: readonly Box[],
  logits: Float32Array,
  deltas: Float32Array,
  spec: DetectorSpec,
): Detection[] {
  const { after, overlap, score } = spec.detections;
  const width = spec.classes.length + 1;
  const boxes = decodeBoxes(regions, deltas, spec, REGION_DELTA_WEIGHTS);
  const probabilities = regions.map((_, row) =>
    softmax(logits.subarray(row * width, (row + 1) * width)),
  );
  const found = spec.classes.flatMap((_, label) => {
    const scores = probabilities.map((row) => row[label + 1] as number);
    const candidates = scores.flatMap((value, row) => (value > score ? [row] : []));
    const kept = nonMaximumSuppression(
      candidates.map((row) => boxes[row] as Box),
      candidates.map((row) => scores[row] as number),
      overlap,
      after,
    );
    return kept.map((index) => {
      const row = candidates[index] as number;
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

/** Boxes with an area: a proposal at the border may be clipped to a line. */
export function nonEmptyBoxes(boxes: readonly Box[]): Box[] {
  return boxes.filter((box) => areaOf(box) > 0);
}

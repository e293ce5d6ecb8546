import type { Builder } from '../../graph/index.ts';
import { crossEntropy, type LossSettings } from '../../train/index.ts';
import { VALUES } from './spec.ts';

/** The four losses of Faster R-CNN, and their sum; each of dims []. */
export interface DetectionLosses {
  readonly loss: string;
  readonly objectness: string;
  readonly shifts: string;
  readonly classes: string;
  readonly corrections: string;
}

/** Where the loss of a box goes from square to straight. */
const BETA = 1 / 9;

/**
 * Writes the losses (Ren et al. 2015, equation 1, as torchvision weighs them) onto a graph with the
 * values of a detector. Which anchors and regions count, and for how much, are inputs, named as in
 * `targetFeeds`.
 */
export function appendLosses(
  b: Builder,
  {
    images,
    anchors,
    regions,
    classes,
    smoothing,
  }: Readonly<Record<'images' | 'anchors' | 'regions' | 'classes', number>> &
    Pick<LossSettings, 'smoothing'>,
): DetectionLosses {
  const input = (name: string, dims: readonly number[]) =>
    b.input(`target.${name}`, 'float32', dims);
  const found = input('found', [images, anchors]);
  const weight = input('weight', [images, anchors]);
  const near = input('near', [images, anchors]);
  const shifts = input('shifts', [images, anchors, 4]);
  const labels = b.input('target.labels', 'int64', [regions]);
  const regionWeight = input('region-weight', [regions]);
  const regionNear = input('region-near', [regions]);
  const corrections = input('corrections', [regions, 4]);

  // -log of the probability: log(1 + e^x) - y x.
  const surprise = b.op('Sub', [
    b.op('Softplus', [VALUES.objectness]),
    b.op('Mul', [found, VALUES.objectness]),
  ]);
  const objectness = sum(b, b.op('Mul', [surprise, weight]), 'loss.objectness');
  const shiftLoss = boxLoss(b, VALUES.shifts, shifts, near, 'loss.shifts');
  const { loss: classLoss } = crossEntropy(b, {
    logits: VALUES.logits,
    labels,
    weights: regionWeight,
    classes: classes + 1,
    smoothing,
  });
  const correctionLoss = boxLoss(
    b,
    VALUES.corrections,
    corrections,
    regionNear,
    'loss.corrections',
  );
  const loss = b.op(
    'Add',
    [b.op('Add', [objectness, shiftLoss]), b.op('Add', [classLoss, correctionLoss])],
    {},
    'loss.all',
  );
  return { loss, objectness, shifts: shiftLoss, classes: classLoss, corrections: correctionLoss };
}

/** Σ wᵢ Σ smooth L1, which is d²/2β below β, and d - β/2 from there on: m (d - m/2) / β with m = min(d, β). */
function boxLoss(b: Builder, value: string, target: string, weight: string, name: string): string {
  const distance = b.op('Abs', [b.op('Sub', [value, target])]);
  const least = b.op('Min', [distance, b.scalar(BETA)]);
  const inner = b.op('Sub', [distance, b.op('Mul', [least, b.scalar(0.5)])]);
  const smooth = b.op('Div', [b.op('Mul', [least, inner]), b.scalar(BETA)]);
  return sum(b, b.op('Mul', [smooth, b.op('Unsqueeze', [weight, b.ints([-1])])]), name);
}

function sum(b: Builder, value: string, name: string): string {
  return b.op('ReduceSum', [value], { keepdims: 0 }, name);
}

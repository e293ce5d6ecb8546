import type { Builder } from '../../graph/index.ts';
import { crossEntropy, type LossSettings } from '../../train/index.ts';
import { VALUES } from './spec.ts';

/** The four losses of Faster R-CNN, and their sum; each of dims []. */
export interface DetectionLosses {
  readonly loss: string;
  readonly objectness: string;
  readonly anchorDeltas: string;
  readonly classes: string;
  readonly regionDeltas: string;
}

/** β of the smooth L1 loss: the distance at which it turns from quadratic to linear. */
const BETA = 1 / 9;

/**
 * Appends the losses (Ren et al. 2015, equation 1, weighted as in torchvision) to a graph with the values
 * of a detector. The targets and the weights of anchors and regions are inputs, named as in `targetFeeds`.
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
  const target = input('objectness', [images, anchors]);
  const weight = input('weight', [images, anchors]);
  const positive = input('positive', [images, anchors]);
  const anchorDeltas = input('anchor-deltas', [images, anchors, 4]);
  const labels = b.input('target.labels', 'int64', [regions]);
  const regionWeight = input('region-weight', [regions]);
  const regionPositive = input('region-positive', [regions]);
  const regionDeltas = input('region-deltas', [regions, 4]);

  // Binary cross-entropy of a logit x and a target y: log(1 + e^x) - y x.
  const bce = b.op('Sub', [
    b.op('Softplus', [VALUES.objectness]),
    b.op('Mul', [target, VALUES.objectness]),
  ]);
  const objectness = sum(b, b.op('Mul', [bce, weight]), 'loss.objectness');
  const anchorDeltaLoss = boxLoss(
    b,
    VALUES.anchorDeltas,
    anchorDeltas,
    positive,
    'loss.anchor-deltas',
  );
  const { loss: classLoss } = crossEntropy(b, {
    logits: VALUES.logits,
    labels,
    weights: regionWeight,
    classes: classes + 1,
    smoothing,
  });
  const regionDeltaLoss = boxLoss(
    b,
    VALUES.regionDeltas,
    regionDeltas,
    regionPositive,
    'loss.region-deltas',
  );
  const loss = b.op(
    'Add',
    [b.op('Add', [objectness, anchorDeltaLoss]), b.op('Add', [classLoss, regionDeltaLoss])],
    {},
    'loss.all',
  );
  return {
    loss,
    objectness,
    anchorDeltas: anchorDeltaLoss,
    classes: classLoss,
    regionDeltas: regionDeltaLoss,
  };
}

/** Σ wᵢ Σ smooth L1. Smooth L1 is d²/2β below β and d - β/2 above, or m (d - m/2) / β with m = min(d, β). */
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

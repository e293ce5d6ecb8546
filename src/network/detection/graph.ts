import type { Builder } from '../../graph/index.ts';
import { float32 } from '../../onnx/index.ts';
import { anchorsOf, MAX_LOG_SCALE, type DeltaWeights } from './coding.ts';
import { REGION_DELTA_WEIGHTS, VALUES, type DetectorSpec } from './spec.ts';

const INT64 = 7;

/**
 * Appends the selection of proposals: from `VALUES.objectness` and `VALUES.anchorDeltas` of one image to
 * `VALUES.regions` and `VALUES.images`. It computes the same as `selectProposals`.
 */
export function appendProposals(b: Builder, spec: DetectorSpec): void {
  const { before, after, overlap } = spec.proposals;
  const anchors = anchorsOf(spec);
  const corners = anchors.flatMap(({ left, top, right, bottom }) => [left, top, right, bottom]);
  const all = b.initializer('anchors', float32([anchors.length, 4], corners));
  const objectness = b.op('Reshape', [VALUES.objectness, b.ints([-1])]);
  const deltas = b.op('Reshape', [VALUES.anchorDeltas, b.ints([-1, 4])]);
  const count = b.ints([Math.min(before, anchors.length)]);
  const [scores = '', best = ''] = b.ops('TopK', [objectness, count], {}, 2);
  const [from, by] = [all, deltas].map((value) => b.op('Gather', [value, best])) as [
    string,
    string,
  ];
  const boxes = appendDecodedBoxes(b, from, by, spec);
  const chosen = b.op('NonMaxSuppression', [
    b.op('Unsqueeze', [boxes, b.ints([0])]),
    b.op('Unsqueeze', [scores, b.ints([0, 1])]),
    b.ints([after]),
    b.constant(float32([1], [overlap])),
  ]);
  const regions = b.op('Gather', [boxes, column(b, chosen, 2)], {}, VALUES.regions);
  const rows = b.op('Shape', [regions], { start: 0, end: 1 });
  b.op('Expand', [b.ints([0]), rows], {}, VALUES.images);
}

/**
 * Appends the selection of detections: from `VALUES.logits` and `VALUES.regionDeltas` of the regions of
 * one image to `VALUES.boxes`, `labels` and `scores`, the highest score first. It computes the same as
 * `selectDetections`.
 */
export function appendDetections(b: Builder, spec: DetectorSpec): void {
  const { after, overlap, score } = spec.detections;
  const probabilities = b.op('Softmax', [VALUES.logits], { axis: 1 });
  const [from, to, axis] = [b.ints([1]), b.ints([spec.classes.length + 1]), b.ints([1])];
  const foreground = b.op('Slice', [probabilities, from, to, axis]);
  const byClass = b.op('Transpose', [foreground], { perm: [1, 0] });
  const boxes = appendDecodedBoxes(
    b,
    VALUES.regions,
    VALUES.regionDeltas,
    spec,
    REGION_DELTA_WEIGHTS,
  );
  const chosen = b.op('NonMaxSuppression', [
    b.op('Unsqueeze', [boxes, b.ints([0])]),
    b.op('Unsqueeze', [byClass, b.ints([0])]),
    b.ints([after]),
    b.constant(float32([1], [overlap])),
    b.constant(float32([1], [score])),
  ]);
  const pairs = b.op('Slice', [chosen, b.ints([1]), b.ints([3]), b.ints([1])]);
  const found = b.op('GatherND', [byClass, pairs]);
  const count = b.op('Min', [b.op('Shape', [found]), b.ints([after])]);
  const [, order = ''] = b.ops('TopK', [found, count], {}, 2);
  const take = (value: string, name: string) => b.op('Gather', [value, order], {}, name);
  take(b.op('Gather', [boxes, column(b, chosen, 2)]), VALUES.boxes);
  take(column(b, chosen, 1), VALUES.labels);
  take(found, VALUES.scores);
}

/** A column of an int64 matrix. */
function column(b: Builder, table: string, index: number): string {
  const picked = b.op(
    'Gather',
    [table, b.constant({ type: 'int64', dims: [], data: BigInt64Array.of(BigInt(index)) })],
    {
      axis: 1,
    },
  );
  return b.op('Cast', [picked], { to: INT64 });
}

/** Applies deltas [K, 4] to boxes [K, 4], and clips the results to the image: see `decodeBoxes`. */
function appendDecodedBoxes(
  b: Builder,
  boxes: string,
  deltas: string,
  { size: [height, width] }: DetectorSpec,
  weights: DeltaWeights = [1, 1, 1, 1],
): string {
  const parts = (value: string) =>
    b.ops('Split', [value], { axis: 1, num_outputs: 4 }, 4) as readonly [
      string,
      string,
      string,
      string,
    ];
  const [left, top, right, bottom] = parts(boxes);
  const scaled = weights.every((weight) => weight === 1)
    ? deltas
    : b.op('Div', [deltas, b.constant(float32([1, 4], weights))]);
  const [x, y, wider, higher] = parts(scaled);
  const half = b.scalar(0.5);
  const along = (low: string, high: string, move: string, grow: string, size: number) => {
    const length = b.op('Sub', [high, low]);
    const middle = b.op('Add', [low, b.op('Mul', [length, half])]);
    const moved = b.op('Add', [middle, b.op('Mul', [move, length])]);
    const grown = b.op('Mul', [
      length,
      b.op('Exp', [b.op('Min', [grow, b.scalar(MAX_LOG_SCALE)])]),
    ]);
    const reach = b.op('Mul', [grown, half]);
    return (['Sub', 'Add'] as const).map((op) =>
      b.op('Clip', [b.op(op, [moved, reach]), b.scalar(0), b.scalar(size)]),
    );
  };
  const [from = '', to = ''] = along(left, right, x, wider, width);
  const [above = '', below = ''] = along(top, bottom, y, higher, height);
  return b.op('Concat', [from, above, to, below], { axis: 1 });
}

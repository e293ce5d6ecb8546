import {
  appendDetections,
  appendProposals,
  METADATA,
  VALUES,
  type DetectorSpec,
} from '../../network/index.ts';
import { OPSET } from '../../graph/index.ts';
import { float, float32, sizeOf, type Model } from '../../onnx/index.ts';
import { convNorm, flatten, linear, network, relu, type NetworkBuilder } from './layers.ts';

/** The site that is pruned: after the last convolution of the backbone. */
export const LAST_SITE = 'relu5';

/** Width of the fully connected layer for regions. */
const HIDDEN = 256;

/**
 * Faster R-CNN (Ren et al. 2015) on a backbone similar to ZF (Zeiler & Fergus 2014): five convolutions,
 * three of stride 2, each with BatchNormalization. One model from picture to boxes, labels and scores,
 * with standard operators only.
 *
 * @param width - channels of the last convolution, 256 in the paper. The four before it have 1/4, 1/2, 3/4
 *   and 1 times as many
 */
export function detectorNetwork(seed: number, spec: DetectorSpec, width = 128): Model {
  const net = network(seed);
  const [height, across] = spec.size;
  let x = net.b.input(VALUES.image, 'float32', [1, 3, height, across]);
  let from = 3;
  for (const [index, [share, kernel, stride]] of (
    [
      [0.25, 3, 2],
      [0.5, 3, 2],
      [0.75, 3, 2],
      [1, 3, 1],
      [1, 3, 1],
    ] as const
  ).entries()) {
    const to = Math.round(width * share);
    const c = convNorm(net, x, `conv${index + 1}`, { from, to, kernel, stride });
    x = relu(net, c, `relu${index + 1}`);
    from = to;
  }
  appendHeads(net, x, width, spec, { hidden: HIDDEN });
  const graph = net.b.build(
    [
      { name: VALUES.boxes, type: 'float32', dims: ['detections', 4] },
      { name: VALUES.labels, type: 'int64', dims: ['detections'] },
      { name: VALUES.scores, type: 'float32', dims: ['detections'] },
    ],
    'faster-rcnn',
  );
  return {
    irVersion: 9,
    opsets: new Map([['', OPSET]]),
    producer: 'fineprune',
    metadata: new Map([[METADATA, JSON.stringify(spec)]]),
    graph,
  };
}

/** Everything after the features: proposals, regions, their classification, and detections. */
export function appendHeads(
  net: NetworkBuilder,
  features: string,
  width: number,
  spec: DetectorSpec,
  { hidden }: { readonly hidden: number },
): void {
  const { b } = net;
  const shared = relu(net, smallConv(net, features, 'rpn.conv', [width, width, 3, 3]), 'rpn.relu');
  const kinds = spec.anchors.length;
  const objectness = smallConv(net, shared, 'rpn.object', [kinds, width, 1, 1]);
  const shifts = smallConv(net, shared, 'rpn.shift', [4 * kinds, width, 1, 1]);
  // Ordered by position, then by kind of anchor.
  const byPosition = b.op('Transpose', [objectness], { perm: [0, 2, 3, 1] });
  b.op('Reshape', [byPosition, b.ints([0, -1])], {}, VALUES.objectness);
  const [rows, columns] = spec.size.map((side) => Math.ceil(side / spec.stride)) as [
    number,
    number,
  ];
  const split = b.op('Reshape', [shifts, b.ints([0, kinds, 4, rows, columns])]);
  const moved = b.op('Transpose', [split], { perm: [0, 3, 4, 1, 2] });
  b.op('Reshape', [moved, b.ints([0, -1, 4])], {}, VALUES.anchorDeltas);
  appendProposals(b, spec);
  const pooled = b.op(
    'RoiAlign',
    [features, VALUES.regions, VALUES.images],
    {
      mode: 'avg',
      output_height: spec.cells,
      output_width: spec.cells,
      sampling_ratio: spec.samples,
      spatial_scale: float(1 / spec.stride),
      coordinate_transformation_mode: 'half_pixel',
    },
    'regions.features',
  );
  const flat = flatten(net, pooled, 'regions.flat');
  const inner = relu(net, linear(net, flat, 'fc', width * spec.cells ** 2, hidden), 'fc.relu');
  linear(net, inner, VALUES.logits, hidden, spec.classes.length + 1);
  linear(net, inner, VALUES.regionDeltas, hidden, 4);
  appendDetections(b, spec);
}

/** A convolution that keeps the size, with small weights as in the proposal network of Faster R-CNN. */
function smallConv(net: NetworkBuilder, x: string, name: string, dims: readonly number[]): string {
  const pad = (dims[2] as number) >> 1;
  const drawn = Array.from({ length: sizeOf(dims) }, () => 0.01 * net.draw.normal());
  const weight = net.b.initializer(`${name}.weight`, float32(dims, drawn));
  const bias = net.b.initializer(
    `${name}.bias`,
    float32([dims[0] as number], Array(dims[0]).fill(0)),
  );
  return net.b.op('Conv', [x, weight, bias], { pads: [pad, pad, pad, pad] }, name);
}

import { intOf, intsOf, stringOf } from '../graph/index.ts';
import { reshape, sumTo, transpose as permute } from './emit.ts';
import type { Operator, Tape } from './rule.ts';

/** Back by the inverse permutation. */
export const transpose: Operator = {
  gradient: (t) => {
    const rank = t.dims(t.x[0] as string).length;
    const axes = Array.from({ length: rank }, (_, axis) => axis);
    const perm = intsOf(t.node, 'perm', axes.toReversed());
    return [
      permute(
        t,
        t.dy[0] as string,
        axes.map((axis) => perm.indexOf(axis)),
      ),
    ];
  },
};

/** Each element of x is the sum over its copies. */
export const expand: Operator = {
  gradient: (t) => [
    sumTo(t, t.dy[0] as string, t.dims(t.y[0] as string), t.dims(t.x[0] as string)),
  ],
};

/** Each element of x is the sum over its copies, which lie dims apart. */
export const tile: Operator = {
  gradient: (t) => {
    const dims = t.dims(t.x[0] as string);
    const output = t.dims(t.y[0] as string);
    if (dims.every((size, axis) => size === output[axis])) return [t.dy[0]];
    const copies = dims.flatMap((size, axis) => [
      size === 0 ? 1 : (output[axis] as number) / size,
      size,
    ]);
    const apart = reshape(t, t.dy[0] as string, copies);
    return [t.op('ReduceSum', [apart, t.ints(dims.map((_, axis) => 2 * axis))], { keepdims: 0 })];
  },
};

/** What was cut off gets nothing: the same triangle of dy. */
export const trilu: Operator = {
  gradient: (t) => [t.op('Trilu', [t.dy[0] as string, ...t.x.slice(1)], t.node.attributes)],
};

/** Its own inverse. */
export const reverseSequence: Operator = {
  gradient: (t) => [
    t.op('ReverseSequence', [t.dy[0] as string, t.x[1] as string], t.node.attributes),
  ],
};

/** Between float types; no gradient comes here from others. */
export const cast: Operator = {
  gradient: (t) => [t.op('CastLike', [t.dy[0] as string, t.x[0] as string])],
};

/** Blocks of a plane back to the channels they came from. */
export const depthToSpace: Operator = {
  gradient: (t) => {
    const dy = t.dy[0] as string;
    const blocksize = intOf(t.node, 'blocksize', 1);
    return [
      stringOf(t.node, 'mode', 'DCR') === 'DCR'
        ? t.op('SpaceToDepth', [dy], { blocksize })
        : channelsFirst(t, dy, blocksize),
    ];
  },
};

/** From [N, C, H/b, b, W/b, b] to [N, C b b, H/b, W/b]. */
function channelsFirst(t: Tape, dy: string, block: number): string {
  const [images, channels, height, width] = t.dims(t.x[0] as string) as [
    number,
    number,
    number,
    number,
  ];
  const blocks = [images, channels / block ** 2, height, block, width, block];
  return reshape(t, permute(t, reshape(t, dy, blocks), [0, 1, 3, 5, 2, 4]), [
    images,
    channels,
    height,
    width,
  ]);
}

/** SpaceToDepth has one order only, that of DepthToSpace's mode DCR. */
export const spaceToDepth: Operator = {
  gradient: (t) => [
    t.op('DepthToSpace', [t.dy[0] as string], { blocksize: intOf(t.node, 'blocksize', 1) }),
  ],
};

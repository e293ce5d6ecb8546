import { intOf, stringOf } from '../graph/index.ts';
import { sizeOf } from '../onnx/index.ts';
import { floats, zeros } from './constants.ts';
import { add, reshape } from './emit.ts';
import { noGradient } from './refusal.ts';
import { plain } from './operator.ts';
import { type Tape } from './tape.ts';
import { offsetsOf } from './window.ts';

/**
 * Y interpolates X between the corners around each point of a grid: y = Σ w(corner) x(corner). dX is w dy,
 * added at the corners; dGrid is Σ ∂w/∂g Σ dy x, with the inner sum over the channels.
 */
export const gridSample = plain((t) => {
  const mode = stringOf(t.node, 'mode', 'linear');
  if (mode === 'cubic')
    return noGradient(t.node, 'fineprune does not differentiate cubic sampling');
  const [x] = t.x as [string, string];
  const [images, channels, ...size] = t.dims(x) as [number, number, ...number[]];
  const gridPoints = sizeOf(t.dims(t.y[0] as string).slice(2));
  const axes = axesOf(t, size, gridPoints, mode === 'nearest');
  const dy = reshape(t, t.dy[0] as string, [images, channels, gridPoints]);
  const wantsGrid = t.wants(1) && mode !== 'nearest';
  const flat = reshape(t, x, [images, channels, sizeOf(size)]);
  let dx = zeros(t, [images, channels, sizeOf(size)]);
  const slopes: string[][] = axes.map(() => []);
  for (const corner of offsetsOf(axes.map(({ corners }) => corners.length))) {
    const at = corner.map((which, axis) => axes[axis]?.corners[which] as Corner);
    const everywhere = t.op('Expand', [
      reshape(t, flatIndex(t, at, size), [images, 1, gridPoints]),
      t.ints([images, channels, gridPoints]),
    ]);
    const weights = at.map(({ weight }) => weight);
    if (t.wants(0)) {
      const share = t.op('Mul', [dy, reshape(t, product(t, weights), [images, 1, gridPoints])]);
      dx = t.op('ScatterElements', [dx, everywhere, share], { axis: 2, reduction: 'add' });
    }
    if (!wantsGrid) continue;
    const read = t.op('GatherElements', [flat, everywhere], { axis: 2 });
    const weighted = t.op('ReduceSum', [t.op('Mul', [dy, read]), t.ints([1])], { keepdims: 0 });
    for (const [axis, { slope }] of at.entries()) {
      const others = weights.filter((_, other) => other !== axis);
      slopes[axis]?.push(product(t, [weighted, slope, ...others]));
    }
  }
  // The grid holds coordinates in the order x, y, z: that of the axes from the last on.
  const dGrid = slopes
    .map((terms, axis) => wantsGrid && t.op('Mul', [add(t, terms), axes[axis]?.scale as string]))
    .filter((each) => each !== false)
    .map((each) => t.op('Unsqueeze', [each, t.ints([2])]))
    .toReversed();
  return [
    t.wants(0) ? reshape(t, dx, t.dims(x)) : undefined,
    wantsGrid
      ? reshape(t, t.op('Concat', dGrid, { axis: 2 }), t.dims(t.x[1] as string))
      : undefined,
  ];
});

/** One of the elements of an axis that a grid point reads; values of dims [images, gridPoints]. */
interface Corner {
  /** Index of the element on the axis, int64. */
  readonly index: string;
  /** Its weight: zero outside of the axis. */
  readonly weight: string;
  /** Derivative of the weight by the position on the axis. */
  readonly slope: string;
}

interface Axis {
  readonly corners: readonly Corner[];
  /** Derivative of the position on the axis by the coordinate of the grid. */
  readonly scale: string;
}

function axesOf(t: Tape, size: readonly number[], gridPoints: number, nearest: boolean): Axis[] {
  const grid = t.x[1] as string;
  const images = t.dims(grid)[0] as number;
  const rank = size.length;
  const flat = reshape(t, grid, [images, gridPoints, rank]);
  const each = t.ops('Split', [flat, t.ints(size.map(() => 1))], { axis: 2 }, rank);
  return size.map((length, axis) => {
    const coordinate = reshape(t, each[rank - 1 - axis] as string, [images, gridPoints]);
    const { position, scale } = positionOf(t, coordinate, length);
    if (nearest) {
      const one = t.scalar(1);
      return { corners: [cornerAt(t, t.op('Round', [position]), length, one, one)], scale };
    }
    const low = t.op('Floor', [position]);
    const share = t.op('Sub', [position, low]);
    const rest = t.op('Sub', [t.scalar(1), share]);
    return {
      corners: [
        cornerAt(t, low, length, rest, t.scalar(-1)),
        cornerAt(t, t.op('Add', [low, t.scalar(1)]), length, share, t.scalar(1)),
      ],
      scale,
    };
  });
}

function cornerAt(t: Tape, at: string, length: number, weight: string, slope: string): Corner {
  const bounded = t.op('Clip', [at, t.scalar(0), t.scalar(length - 1)]);
  const outside = t.op('Not', [t.op('Equal', [at, bounded])]);
  const masked = (value: string) => t.op('Where', [outside, t.scalar(0), value]);
  return {
    index: t.op('Cast', [bounded], { to: INT64 }),
    weight: masked(weight),
    slope: masked(slope),
  };
}

const INT64 = 7;

/** Maps [-1, 1] to a position on an axis, with the padding mode for positions outside. */
function positionOf(
  t: Tape,
  coordinate: string,
  length: number,
): { position: string; scale: string } {
  const aligned = intOf(t.node, 'align_corners', 0) === 1;
  const factor = (aligned ? length - 1 : length) / 2;
  const position = t.op('Add', [
    t.op('Mul', [coordinate, t.scalar(factor)]),
    t.scalar((length - 1) / 2),
  ]);
  const padding = stringOf(t.node, 'padding_mode', 'zeros');
  if (padding === 'zeros') return { position, scale: t.scalar(factor) };
  const inside = padding === 'reflection' ? reflected(t, position, length, aligned) : position;
  const bounded = t.op('Clip', [inside, t.scalar(0), t.scalar(length - 1)]);
  const stays = t.op('Equal', [inside, bounded]);
  const flipped =
    padding === 'reflection'
      ? reflectedSlope(t, position, length, aligned, factor)
      : t.scalar(factor);
  return { position: bounded, scale: t.op('Where', [stays, flipped, t.scalar(0)]) };
}

/** Reflects a position at the ends of the axis: the centers of the last elements, or their outer edges. */
function reflected(t: Tape, position: string, length: number, aligned: boolean): string {
  const { low, span } = foldRange(length, aligned);
  if (span === 0) return t.op('Mul', [position, t.scalar(0)]);
  const round = roundTrip(t, position, low, span);
  const folded = t.op('Min', [round, t.op('Sub', [t.scalar(2 * span), round])]);
  return t.op('Add', [folded, t.scalar(low)]);
}

/** A position on the way to the other end and back, in [0, 2 span). */
function roundTrip(t: Tape, position: string, low: number, span: number): string {
  const from = t.op('Abs', [t.op('Sub', [position, t.scalar(low)])]);
  return t.op('Mod', [from, t.scalar(2 * span)], { fmod: 1 });
}

/** The derivative of a reflected position: the factor, with the sign of its direction. */
function reflectedSlope(
  t: Tape,
  position: string,
  length: number,
  aligned: boolean,
  factor: number,
): string {
  const { low, span } = foldRange(length, aligned);
  if (span === 0) return t.scalar(0);
  const back = t.op('Greater', [roundTrip(t, position, low, span), t.scalar(span)]);
  const below = t.op('Less', [position, t.scalar(low)]);
  const flipped = t.op('Xor', [back, below]);
  return t.op('Where', [flipped, t.scalar(-factor), t.scalar(factor)]);
}

function foldRange(length: number, aligned: boolean): { low: number; span: number } {
  return aligned ? { low: 0, span: length - 1 } : { low: -0.5, span: length };
}

/** The index of an element in the flattened axes. */
function flatIndex(t: Tape, at: readonly Corner[], size: readonly number[]): string {
  const terms = at.map(({ index }, axis) => {
    const stride = sizeOf(size.slice(axis + 1));
    return stride === 1 ? index : t.op('Mul', [index, t.ints([stride])]);
  });
  // `add` would use Sum for three terms, which does not support integers.
  return terms.reduce((a, b) => t.op('Add', [a, b]));
}

function product(t: Tape, factors: readonly string[]): string {
  return factors.reduce((a, b) => t.op('Mul', [a, b]));
}

/** The grid is theta times base coordinates in [-1, 1]: dθ = dYᵀ times these coordinates. */
export const affineGrid = plain((t) => {
  const [images, ...rest] = t.dims(t.y[0] as string) as [number, ...number[]];
  const rank = rest.pop() as number;
  const gridPoints = sizeOf(rest);
  const aligned = intOf(t.node, 'align_corners', 0) === 1;
  const coordinate = (index: number, length: number) =>
    aligned ? (2 * index) / Math.max(1, length - 1) - 1 : (2 * index + 1) / length - 1;
  const positions = offsetsOf(rest).flatMap((position) => [
    ...position.map((index, axis) => coordinate(index, rest[axis] as number)).toReversed(),
    1,
  ]);
  const dy = reshape(t, t.dy[0] as string, [images, gridPoints, rank]);
  return [
    t.op('MatMul', [
      t.op('Transpose', [dy], { perm: [0, 2, 1] }),
      floats(t, [gridPoints, rank + 1], positions),
    ]),
  ];
});

import { axisOf, intOf, stringOf } from '../graph/index.ts';
import { int64, sizeOf } from '../onnx/index.ts';
import { zeros } from './constants.ts';
import { reshape } from './emit.ts';
import { noGradient } from './refusal.ts';
import { BLOCKED } from './channel-rule.ts';
import { DATA, type Operator, plain } from './operator.ts';
import { type Tape } from './tape.ts';

// An element that several indices name gets the sum of their gradients. This uses ScatterElements and not
// ScatterND: ONNX Runtime runs ScatterND in parallel, and threads that add to one element lose terms.

/** y = x[indices]: dx is dy added up at the indices. Embeddings are this with axis 0. */
export const gather: Operator = {
  gradient: (t) => {
    const [x, indices] = t.x as [string, string];
    const axis = axisOf(intOf(t.node, 'axis', 0), t.dims(x).length);
    const count = sizeOf(t.dims(indices));
    return [addAlong(t, axis, reshape(t, indices, [count]), count)];
  },
  channels: BLOCKED,
  inputs: { weights: [0] },
  traits: { moves: 'rearranged' },
};

/** y holds the slices along an axis (or the elements) whose condition is true. */
export const compress = plain((t) => {
  const [x, condition] = t.x as [string, string];
  const dims = t.dims(x);
  const chosen = t.op('NonZero', [condition]);
  if (t.node.attributes['axis'] === undefined) {
    const count = sizeOf(t.dims(t.y[0] as string));
    const flat = addRows(t, reshape(t, chosen, [count]), count, sizeOf(dims), 1);
    return [reshape(t, flat, dims)];
  }
  const axis = axisOf(intOf(t.node, 'axis', 0), dims.length);
  const count = t.dims(t.y[0] as string)[axis] as number;
  return [addAlong(t, axis, reshape(t, chosen, [count]), count)];
});

/** Like Gather, with several coordinates to an index and slices of x to each. */
export const gatherND: Operator = {
  gradient: (t) => {
    const [x, indices] = t.x as [string, string];
    const dims = t.dims(x);
    const batch = intOf(t.node, 'batch_dims', 0);
    const lead = t.dims(indices).slice(0, -1);
    const coordinates = t.dims(indices).at(-1) as number;
    const inner = sizeOf(dims.slice(batch + coordinates));
    const outer = sizeOf(dims) / inner;
    const rows = rowsOf(t, indices, dims.slice(batch, batch + coordinates));
    const numbered = batch === 0 ? rows : t.op('Add', [rows, batchRows(t, lead, batch, dims)]);
    const count = sizeOf(lead);
    const dx = addRows(t, reshape(t, numbered, [count]), count, outer, inner);
    return [reshape(t, dx, dims)];
  },
  channels: BLOCKED,
  inputs: DATA,
  traits: { moves: 'rearranged' },
};

/** y has x at `indices` along one axis: dx is dy added up there. */
export const gatherElements = plain((t) => {
  const [x, indices] = t.x as [string, string];
  const nothing = zeros(t, t.dims(x));
  const axis = intOf(t.node, 'axis', 0);
  return [
    t.op('ScatterElements', [nothing, indices, t.dy[0] as string], { axis, reduction: 'add' }),
  ];
});

/** y is x with updates put in place of elements of it, or added to them. */
export const scatterElements = plain((t) => {
  const [, indices, updates] = t.x as [string, string, string];
  const dy = t.dy[0] as string;
  const axis = intOf(t.node, 'axis', 0);
  const nothing = () => zeros(t, t.dims(updates));
  return [
    replaces(t) && t.wants(0) ? t.op('ScatterElements', [dy, indices, nothing()], { axis }) : dy,
    undefined,
    t.wants(2) ? t.op('GatherElements', [dy, indices], { axis }) : undefined,
  ];
});

/** The same, with several coordinates to an index and slices of x to each. */
export const scatterND = plain((t) => {
  const [, indices, updates] = t.x as [string, string, string];
  const dy = t.dy[0] as string;
  const nothing = () => zeros(t, t.dims(updates));
  return [
    replaces(t) && t.wants(0) ? t.op('ScatterND', [dy, indices, nothing()]) : dy,
    undefined,
    t.wants(2) ? t.op('GatherND', [dy, indices]) : undefined,
  ];
});

/** y has x at the places that a MaxPool took it from, by their numbers in the whole of y. */
export const maxUnpool = plain((t) => {
  const [x, indices] = t.x as [string, string];
  const flat = (value: string) => reshape(t, value, [-1]);
  const taken = t.op('GatherElements', [flat(t.dy[0] as string), flat(indices)], { axis: 0 });
  return [reshape(t, taken, t.dims(x))];
});

/** Whether updates replace what was there; otherwise they are added to it. */
function replaces(t: Tape): boolean {
  const reduction = stringOf(t.node, 'reduction', 'none');
  if (reduction === 'none') return true;
  if (reduction === 'add') return false;
  return noGradient(
    t.node,
    `fineprune differentiates the reductions none and add, not ${reduction}`,
  );
}

/** dy added up at `indices`, of dims [count], along an axis of x. */
function addAlong(t: Tape, axis: number, indices: string, count: number): string {
  const dims = t.dims(t.x[0] as string);
  const before = sizeOf(dims.slice(0, axis));
  const after = sizeOf(dims.slice(axis + 1));
  const parts = [before, count, after];
  const spread = t.op('Expand', [reshape(t, indices, [1, count, 1]), t.ints(parts)]);
  const sum = t.op(
    'ScatterElements',
    [zeros(t, [before, dims[axis] as number, after]), spread, reshape(t, t.dy[0] as string, parts)],
    { axis: 1, reduction: 'add' },
  );
  return reshape(t, sum, dims);
}

/** dy, seen as [count, inner], added up into the rows of a matrix of dims [outer, inner]. */
function addRows(t: Tape, rows: string, count: number, outer: number, inner: number): string {
  const parts = [count, inner];
  const spread = t.op('Expand', [reshape(t, rows, [count, 1]), t.ints(parts)]);
  return t.op(
    'ScatterElements',
    [zeros(t, [outer, inner]), spread, reshape(t, t.dy[0] as string, parts)],
    { axis: 0, reduction: 'add' },
  );
}

/** Coordinates along axes of these sizes as one number, counting from the front. */
function rowsOf(t: Tape, indices: string, sizes: readonly number[]): string {
  const negative = t.op('Less', [indices, t.ints([0])]);
  const wrapped = t.op('Add', [indices, t.ints(sizes)]);
  const counted = t.op('Where', [negative, wrapped, indices]);
  const strides = sizes.map((_, axis) => sizeOf(sizes.slice(axis + 1)));
  const scaled = t.op('Mul', [counted, t.ints(strides)]);
  return t.op('ReduceSum', [scaled, t.ints([-1])], { keepdims: 0 });
}

/** Where the rows of each batch start, to be added to rows of dims `lead`. */
function batchRows(t: Tape, lead: readonly number[], batch: number, dims: readonly number[]) {
  const coordinates = t.dims(t.x[1] as string).at(-1) as number;
  const batches = sizeOf(lead.slice(0, batch));
  const each = sizeOf(dims.slice(batch, batch + coordinates));
  const starts = Array.from({ length: batches }, (_, index) => index * each);
  return t.initializer(
    int64(
      lead.map((size, axis) => (axis < batch ? size : 1)),
      starts,
    ),
  );
}

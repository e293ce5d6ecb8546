import type { Node } from '../../onnx/index.ts';
import { floatOf, intOf } from '../attributes.ts';
import { type Context, type Rule, without } from './rule.ts';

/** The score of a masked position: finite, so that a fully masked row is not NaN. */
const MASKED_SCORE = -3.4028234663852886e38;
const WINDOWS = ['left_window_size', 'right_window_size'] as const;

/** Scaled dot-product attention as standard operators. */
export const attention: readonly Rule[] = [
  {
    op: 'Attention',
    since: 25,
    summary: 'refused with a window',
    rewrite(node, c) {
      if (WINDOWS.some((key) => intOf(node, key, -1) !== -1))
        c.refuse('attends to a window only; export the model with an older opset');
      if (WINDOWS.some((key) => key in node.attributes)) {
        c.keep({ attributes: without(node.attributes, ...WINDOWS) });
      }
    },
  },
  {
    op: 'Attention',
    since: 24,
    summary: 'refused with lengths of a cache (nonpad_kv_seqlen)',
    rewrite(node, c) {
      if (node.inputs[6])
        c.refuse('reads the lengths of a cache; export the model without a cache');
    },
  },
  {
    op: 'Attention',
    since: 23,
    summary: 'softmax(scale Q Kᵀ + mask) V; refused with a cache',
    rewrite(node, c) {
      const [q, k, v, mask = '', ...past] = node.inputs as [string, string, string, ...string[]];
      if (past.some((input) => input !== ''))
        c.refuse('reads a cache; export the model without a cache');
      if (node.outputs.slice(1).some((output) => output !== '' && c.isUsed(output))) {
        c.refuse('has more than one output in use; export the model without a cache');
      }
      const heads = intOf(node, 'q_num_heads', undefined);
      const own = heads === undefined ? q : splitHeads(q, heads, c);
      const keys = splitKeyValueHeads(k, node, c);
      const product = c.op('MatMul', [own, c.op('Transpose', [keys], { perm: [0, 1, 3, 2] })]);
      let scores = softCapped(c.op('Mul', [product, scaleOf(node, own, c)]), node, c);
      if (mask !== '')
        scores = c.op('Add', [scores, c.isBool(mask) ? additiveMask(mask, q, c) : mask]);
      if (intOf(node, 'is_causal', 0) === 1)
        scores = c.op('Add', [scores, causalMask(own, keys, c)]);
      const weights = c.op('Softmax', [scores], { axis: -1 });
      const [y] = node.outputs as [string];
      const terms = [weights, splitKeyValueHeads(v, node, c)];
      if (heads === undefined) {
        // MatMul broadcasts a single head of keys and values.
        c.op('MatMul', terms, {}, [y]);
        return;
      }
      const joined = c.op('Transpose', [c.op('MatMul', terms)], { perm: [0, 2, 1, 3] });
      c.op('Reshape', [joined, c.ints([0, 0, -1])], {}, [y]);
    },
  },
];

/** From [batch, length, heads x size] to [batch, heads, length, size]. */
function splitHeads(value: string, heads: number, c: Context): string {
  const apart = c.op('Reshape', [value, c.ints([0, 0, heads, -1])]);
  return c.op('Transpose', [apart], { perm: [0, 2, 1, 3] });
}

/** Splits keys or values by head, and repeats those that several heads share. */
function splitKeyValueHeads(value: string, node: Node, c: Context): string {
  const heads = intOf(node, 'q_num_heads', undefined);
  if (heads === undefined) return value;
  const shared = intOf(node, 'kv_num_heads', heads);
  if (shared === heads) return splitHeads(value, heads, c);
  const apart = c.op('Reshape', [value, c.ints([0, 0, shared, 1, -1])]);
  const repeated = c.op('Expand', [apart, c.ints([1, 1, 1, heads / shared, 1])]);
  return splitHeads(c.op('Reshape', [repeated, c.ints([0, 0, -1])]), heads, c);
}

function scaleOf(node: Node, q: string, c: Context): string {
  if ('scale' in node.attributes) return c.scalar(floatOf(node, 'scale', 1), q);
  const size = c.op('CastLike', [c.op('Shape', [q], { start: -1 }), q]);
  return c.op('Reciprocal', [c.op('Sqrt', [size])]);
}

function softCapped(scores: string, node: Node, c: Context): string {
  const cap = floatOf(node, 'softcap', 0);
  if (cap === 0) return scores;
  const inner = c.op('Tanh', [c.op('Div', [scores, c.scalar(cap, scores)])]);
  return c.op('Mul', [inner, c.scalar(cap, scores)]);
}

/** A mask to add to the scores: 0 where `mask` is true, else MASKED_SCORE. */
function additiveMask(mask: string, like: string, c: Context): string {
  return c.op('Where', [mask, c.scalar(0, like), c.scalar(MASKED_SCORE, like)]);
}

/** A mask to add to the scores, so that no position attends to a later one. */
function causalMask(q: string, k: string, c: Context): string {
  const length = (value: string) => c.op('Shape', [value], { start: 2, end: 3 });
  const dims = c.op('Concat', [length(q), length(k)], { axis: 0 });
  const ones = c.op('Expand', [c.int(1), dims]);
  const lower = c.op('Cast', [c.op('Trilu', [ones], { upper: 0 })], { to: 9 });
  return additiveMask(lower, q, c);
}

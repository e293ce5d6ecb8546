import { axisOf, intOf } from '../graph/index.ts';
import type { Attributes, Node } from '../onnx/index.ts';
import { given, opaque } from './channel-answers.ts';
import {
  channelRuleOf,
  type Channels,
  type DimsOf,
  type KnownOf,
  type Passage,
} from './channels.ts';

/** Places of one of a node's inputs. */
export interface Operand {
  readonly index: number;
  readonly channels: Channels;
}

/** What must go with places of a node's output that are removed: places of its inputs. */
export type Removal =
  | {
      readonly kind: 'removal';
      readonly operands: readonly Operand[];
      /** So many runs of places, of equal length, must each lose equally many. */
      readonly runs?: number | undefined;
      /** The element of an integer input that says how long the output's axis is. */
      readonly length?: { readonly index: number; readonly element: number } | undefined;
    }
  | { readonly kind: 'opaque'; readonly why: string };

/** How places that are removed from an input of a node go on: as a mask does, and by groups too. */
export type RemovalPassage = Passage & { readonly runs?: number | undefined };

interface RemovalRule {
  passage?(node: Node, index: number, channels: Channels, dims: DimsOf): RemovalPassage | undefined;
  /** Absent where what silences the output's places is all that goes with them. */
  removal?(node: Node, channels: Channels, dims: DimsOf, known: KnownOf): Removal | undefined;
  /** The node's attributes when an input has lost places: `left` of them along axis 1. */
  attributes?(node: Node, left: number, dims: DimsOf): Attributes;
}

const removing = (operands: readonly Operand[]): Removal => ({ kind: 'removal', operands });

const bySelf: RemovalRule = {
  removal: (_node, channels) => removing([{ index: 0, channels }]),
};

/** Every operand that has the units' axis, and not one value for all of them. */
const byElement: RemovalRule = {
  removal: (node, channels, dims) => {
    const rank = dims(node.outputs[0] as string).length;
    const operands = node.inputs.flatMap((input, index) => {
      const own = dims(input);
      const axis = channels.axis - (rank - own.length);
      return own[axis] === channels.unit.length
        ? [{ index, channels: { axis, unit: channels.unit } }]
        : [];
    });
    return removing(operands);
  },
};

const conv: RemovalRule = {
  passage: (node, index, channels, dims) => {
    const groups = intOf(node, 'group', 1);
    if (index !== 0 || channels.axis !== 1 || groups === 1) return undefined;
    // One input for each group: the outputs go with it, and the rule for masks says which.
    if (perGroupOf(node, dims) === 1) return undefined;
    const weights = { input: 1, axis: 1, unit: channels.unit };
    return { kind: 'mix', linear: true, weights, runs: groups };
  },
  removal: (node, { axis, unit }, dims) => {
    if (axis !== 1) return undefined;
    const groups = intOf(node, 'group', 1);
    const operands = [1, 2]
      .filter((index) => given(node, index))
      .map((index) => ({ index, channels: { axis: 0, unit } }));
    if (groups === 1) return removing(operands);
    if (perGroupOf(node, dims) > 1) return { kind: 'removal', operands, runs: groups };
    const each = unit.length / groups;
    const of = Int32Array.from({ length: groups }, (_, group) => unit[group * each] as number);
    if (!unit.every((u, place) => of[Math.floor(place / each)] === u)) {
      return opaque('a group of Conv makes several units, and not all of them are pruned');
    }
    return removing([...operands, { index: 0, channels: { axis: 1, unit: of } }]);
  },
  attributes: (node, left, dims) =>
    intOf(node, 'group', 1) > 1 && perGroupOf(node, dims) === 1
      ? { ...node.attributes, group: left }
      : node.attributes,
};

function perGroupOf(node: Node, dims: DimsOf): number {
  return dims(node.inputs[1] as string)[1] as number;
}

/** Input, scale and shift of each channel, and its statistics. */
const normalization: RemovalRule = {
  removal: (node, channels) =>
    channels.axis === 1
      ? removing([
          { index: 0, channels },
          ...node.inputs
            .map((_, index) => index)
            .slice(1)
            .map((index) => ({ index, channels: { axis: 0, unit: channels.unit } })),
        ])
      : undefined,
};

const layerNormalization: RemovalRule = {
  removal: (node, channels, dims) =>
    channels.axis < axisOf(intOf(node, 'axis', -1), dims(node.inputs[0] as string).length)
      ? removing([{ index: 0, channels }])
      : opaque(`${node.op} normalizes several units together`),
};

/** The length of the axis is an element of an input. */
const lengthIn = (index: number): RemovalRule => ({
  removal: (node, channels, dims, known) => {
    const silence = channelRuleOf(node).silence(node, channels, dims, known);
    if (silence.kind === 'opaque' || !given(node, index)) return undefined;
    return {
      kind: 'removal',
      operands: silence.inputs,
      length: { index, element: channels.axis },
    };
  },
});

const rules: Readonly<Record<string, RemovalRule>> = {
  Add: byElement,
  BatchNormalization: normalization,
  Clip: bySelf,
  Conv: conv,
  Cos: bySelf,
  Cosh: bySelf,
  Div: byElement,
  Exp: bySelf,
  GroupNormalization: { removal: (node) => opaque(`${node.op} normalizes several units together`) },
  HardSigmoid: bySelf,
  InstanceNormalization: normalization,
  LayerNormalization: layerNormalization,
  Mul: byElement,
  PRelu: byElement,
  Reshape: lengthIn(1),
  Resize: lengthIn(3),
  Sigmoid: bySelf,
  Slice: { removal: (node) => opaque(`${node.op} counts the places that it takes`) },
  Softplus: bySelf,
  Split: { removal: (node) => opaque(`${node.op} counts the places that it takes`) },
  Sub: byElement,
  Sum: byElement,
};

const ruleOf = (node: Node): RemovalRule => (node.domain === '' && rules[node.op]) || {};

/** What places that are removed from an input do to the output, or to the weights that meet them. */
export function removalPassage(
  node: Node,
  index: number,
  channels: Channels,
  dims: DimsOf,
  known: KnownOf,
): RemovalPassage {
  return (
    ruleOf(node).passage?.(node, index, channels, dims) ??
    channelRuleOf(node).passage(node, index, channels, dims, known)
  );
}

/** What must go with places of a node's output. */
export function removalOf(node: Node, channels: Channels, dims: DimsOf, known: KnownOf): Removal {
  const own = ruleOf(node).removal?.(node, channels, dims, known);
  if (own) return own;
  const silence = channelRuleOf(node).silence(node, channels, dims, known);
  if (silence.kind === 'opaque') return silence;
  const parameters = silence.parameters.map(({ input, axis, unit }) => ({
    index: input,
    channels: { axis, unit },
  }));
  return removing([...parameters.filter(({ index }) => given(node, index)), ...silence.inputs]);
}

/** The attributes that a node has when `left` places of axis 1 of its first input are left. */
export function attributesWith(node: Node, left: number, dims: DimsOf): Attributes {
  return ruleOf(node).attributes?.(node, left, dims) ?? node.attributes;
}

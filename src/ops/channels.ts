import type { Attributes, Node } from '../onnx/index.ts';
import type { Activation } from './activation.ts';
import type { Bounds, BoundsAround } from './bounds.ts';
import {
  BLOCKED,
  type ChannelRule,
  type Channels,
  type DimsOf,
  type Filters,
  isGiven,
  type KnownOf,
  type Removal,
  type RemovalPassage,
  removing,
} from './channel-rule.ts';
import { operatorOf } from './registry.ts';

/** How the channels of units pass through a node. */
export function channelRuleOf(node: Node): ChannelRule {
  return operatorOf(node)?.channels ?? BLOCKED;
}

/** What indices that are removed from an input do to the output, or to the weights that read them. */
export function removalPassage(
  node: Node,
  index: number,
  channels: Channels,
  dims: DimsOf,
  known: KnownOf,
): RemovalPassage {
  const rule = channelRuleOf(node);
  return (
    rule.passageRemoved?.(node, index, channels, dims) ??
    rule.passage(node, index, channels, dims, known)
  );
}

/** What must be removed with indices of the output of a node. */
export function removalOf(node: Node, channels: Channels, dims: DimsOf, known: KnownOf): Removal {
  const rule = channelRuleOf(node);
  const own =
    rule.removal === 'as silenced' ? undefined : rule.removal(node, channels, dims, known);
  if (own) return own;
  const silence = rule.silence(node, channels, dims, known);
  if (silence.kind === 'opaque') return silence;
  const parameters = silence.parameters.map(({ input, axis, unit }) => ({
    index: input,
    channels: { axis, unit },
  }));
  return removing([...parameters.filter(({ index }) => isGiven(node, index)), ...silence.inputs]);
}

/** The attributes of a node of which `left` indices along axis 1 of the first input are left. */
export function attributesWith(node: Node, left: number, dims: DimsOf): Attributes {
  return channelRuleOf(node).attributesWith?.(node, left, dims) ?? node.attributes;
}

/** Bounds of the first output of a node along an axis, if its operator has a rule that can tell. */
export function boundsOf(node: Node, axis: number, around: BoundsAround): Bounds | undefined {
  const { bounds } = channelRuleOf(node);
  return bounds === 'unknown' ? undefined : bounds(node, axis, around);
}

/** The weights of a convolution, which has its units on axis 1; nothing for any other node. */
export function filtersOf(node: Node, known: KnownOf): Filters | undefined {
  return channelRuleOf(node).filters?.(node, known);
}

/** What a node multiplies each channel on axis 1 by, whatever the input, where it is known to. */
export function channelScalesOf(node: Node, known: KnownOf): Float64Array | undefined {
  return channelRuleOf(node).scales?.(node, known);
}

/** The nonlinearity, or gate, that a node is. */
export function activationOf(node: Node): Activation | undefined {
  return operatorOf(node)?.traits.activation;
}

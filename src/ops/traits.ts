import type { Graph, Node, Tensor } from '../onnx/index.ts';
import type { DimsOf } from './channel-rule.ts';
import { isForeignDetection } from './foreign.ts';
import { type Layer, NO_TRAITS, type ShapeInput, type Traits } from './operator.ts';
import { operatorOf } from './registry.ts';

/** What the operator of a node is in a network: nothing for operators of other domains. */
export function traitsOf(node: Node): Traits {
  return operatorOf(node)?.traits ?? NO_TRAITS;
}

/** Inputs of a node at which an initializer is a weight to train, by index. */
export function weightInputs(node: Node): readonly number[] {
  return operatorOf(node)?.inputs.weights ?? [];
}

/** Inputs of a node that are added to its output, one number for each unit, by index. */
export function shiftInputs(node: Node): readonly number[] {
  return operatorOf(node)?.inputs.shifts ?? [];
}

/** The input of a node that is a shape. */
export function shapeInput(node: Node): ShapeInput | undefined {
  return operatorOf(node)?.inputs.shape;
}

/** The inputs whose numbers a node copies to its output, perhaps in another type or order. */
export function movedInputs(node: Node): readonly string[] {
  const { moves } = traitsOf(node);
  if (moves === undefined) return [];
  return moves === 'concatenated' ? node.inputs : node.inputs.slice(0, 1);
}

/** Whether a node copies all numbers of its first input in their order, perhaps with other dims. */
export function keepsOrder(node: Node): boolean {
  const { moves } = traitsOf(node);
  return moves === 'in place' || moves === 'reshaped';
}

/** Whether a node gives the same elements other dims. */
export function isReshape(node: Node): boolean {
  return traitsOf(node).moves === 'reshaped';
}

/** Whether a node concatenates its inputs. */
export function isConcat(node: Node): boolean {
  return traitsOf(node).moves === 'concatenated';
}

/** Whether a node is one operation of a formula: the sum, difference, product or quotient of two. */
export function isArithmetic(node: Node): boolean {
  return traitsOf(node).arithmetic !== undefined;
}

export function isProduct(node: Node): boolean {
  return traitsOf(node).arithmetic === '*';
}

/** The layer that a node is: convolutional (a Concat of channels too) or fully connected. */
export function layerOf(node: Node, dims: DimsOf): Layer | undefined {
  const { layer } = traitsOf(node);
  const axis = layer?.axis(node, dims);
  return layer && axis !== undefined ? { kind: layer.kind, axis } : undefined;
}

/** Whether a node multiplies by a matrix of weights. */
export function isMatrixProduct(node: Node): boolean {
  return traitsOf(node).layer?.kind === 'fully connected';
}

/** Whether a node may stand between a layer and its activation: channels stay where they are. */
export function keepsChannels(node: Node): boolean {
  return traitsOf(node).keepsChannels === true;
}

/** Whether a node normalizes, then scales and shifts by parameters. */
export function isNormalization(node: Node): boolean {
  return traitsOf(node).normalizes === true;
}

/** Whether a node may draw its output: it is not determined by the inputs. */
export function isRandom(node: Node): boolean {
  return traitsOf(node).random === true;
}

/** Whether the output of a node depends on nothing but the dims of its input. */
export function dependsOnDims(node: Node): boolean {
  return traitsOf(node).ofDims !== undefined;
}

/** The output of such a node. */
export function outputOfDims(node: Node, dims: readonly number[]): Tensor | undefined {
  return traitsOf(node).ofDims?.(node, dims);
}

/** Whether a graph has a node that drops units while it trains. */
export function hasDropout(graph: Graph): boolean {
  return graph.nodes.some((node) => traitsOf(node).training === 'drops');
}

/** Whether a node reads features in regions, as the second stage of a detector does. */
export function readsRegions(node: Node): boolean {
  return traitsOf(node).detection === 'regions';
}

/** Whether only detectors have a node such as this. */
export function isOfDetector(node: Node): boolean {
  return traitsOf(node).detection !== undefined || isForeignDetection(node);
}

/** How a node decides, where it does. */
export function decisionOf(node: Node): Traits['decision'] {
  return traitsOf(node).decision;
}

/** Whether an element of the output depends on the elements in that place of the inputs only. */
export function isElementwise(node: Node): boolean {
  const operator = operatorOf(node);
  const { decision, moves } = traitsOf(node);
  if (decision !== undefined && decision !== 'branches') return true;
  return (
    operator?.broadcasts === true || operator?.channels.byElement === true || moves === 'in place'
  );
}

import type { Node } from '../onnx/index.ts';
import type { Channels, KnownOf, ParameterSlices } from './channel-rule.ts';

// Rules that need more than dims ask `known` for the tensor behind an input, and let nothing through
// where it is not known: a mask is put in beside the node then, never in the wrong place.

export const opaque = (why: string) => ({ kind: 'opaque', why }) as const;
export const pass = (channels: Channels, zero: boolean) =>
  ({ kind: 'pass', channels, zero }) as const;
export const from = (index: number, channels: Channels) =>
  ({ kind: 'silence', parameters: [], inputs: [{ index, channels }] }) as const;
export const byParameters = (parameters: readonly ParameterSlices[]) =>
  ({ kind: 'silence', parameters, inputs: [] }) as const;

export const NO_PLACE = 'the units decide a place or a size here';

export function numbers(
  node: Node,
  index: number,
  known: KnownOf | undefined,
): readonly number[] | undefined {
  const value = node.inputs[index];
  const tensor = value ? known?.(value) : undefined;
  return tensor && Array.from(tensor.data, Number);
}

/** Whether an optional input is there. */
export function given(node: Node, index: number): boolean {
  return (node.inputs[index] ?? '') !== '';
}
